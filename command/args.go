package command

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// interspersed returns the arguments with a command's flags moved before its arguments, since people type `ktask run
// task.yaml -p name=x` and the flag package stops at the first argument. What follows -- is unchanged. If --help is among the flags, it
// is the only argument: the cli package would take the others for topics.
func interspersed(root *cli.App, args []string) []string {
	command, names := commandOf(root, args)
	if command == nil {
		return args
	}
	var flags, rest []string
	for i := names; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		if arg == "--help" || arg == "-h" {
			return append(slices.Clone(args[:names]), "--help")
		}
		if short := arg[:2]; len(arg) > 2 && arg[1] != '-' && arg[2] != '=' && takesValue(command, short[1:]) {
			flags = append(flags, longName(command, short), arg[2:]) // -j4
			continue
		}
		flags = append(flags, longName(command, arg))
		if strings.Contains(arg, "=") || !takesValue(command, strings.TrimLeft(arg, "-")) {
			continue
		}
		if i++; i == len(args) { // its value is missing, which the flag package reports
			return slices.Concat(args[:names], flags)
		}
		flags = append(flags, args[i])
	}
	all := slices.Concat(args[:names], flags)
	if len(rest) > 0 {
		all = append(append(all, "--"), rest...)
	}
	return all
}

// commandOf returns the command that the first arguments name, with the number of these: 2 for a subcommand.
func commandOf(root *cli.App, args []string) (command *cli.Command, names int) {
	if len(args) == 0 {
		return nil, 0
	}
	command, names = root.Command(args[0]), 1
	if command != nil && len(args) > 1 {
		if sub := command.Command(args[1]); sub != nil {
			return sub, 2
		}
	}
	return command, names
}

// nameOf returns the name of a command as it is typed, that of a subcommand after its parent's.
func nameOf(command *cli.Command) string {
	return strings.TrimPrefix(command.HelpName, "ktask ")
}

// unchanged returns an error if the cli package would change a value: it copies the values of a repeatable flag with a short
// name through JSON, which replaces what is not valid UTF-8. args are as interspersed returns them.
func unchanged(root *cli.App, args []string) error {
	command, _ := commandOf(root, args)
	if command == nil {
		return nil
	}
	for i, arg := range args {
		name, value, given := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if arg == "--" {
			return nil
		}
		for _, f := range command.Flags {
			if !strings.HasPrefix(arg, "--") || f.Names()[0] != name || len(f.Names()) == 1 || kindOf(f) != severalValues {
				continue
			}
			if !given && i+1 < len(args) {
				value = args[i+1]
			}
			if !utf8.ValidString(value) {
				return usagef("--%s: the value is not valid UTF-8, which an engine would change (encode it, for example in base64)", name)
			}
		}
	}
	return nil
}

// longName returns a flag under its first name: the cli package refuses a flag that is given under two names.
func longName(command *cli.Command, arg string) string {
	name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	for _, f := range command.Flags {
		if names := f.Names(); slices.Contains(names, name) {
			if given {
				return "--" + names[0] + "=" + value
			}
			return "--" + names[0]
		}
	}
	return arg
}

func takesValue(command *cli.Command, name string) bool {
	for _, f := range command.Flags {
		for _, n := range f.Names() {
			if n == name {
				documented, ok := f.(cli.DocGenerationFlag)
				return ok && documented.TakesValue()
			}
		}
	}
	return false
}
