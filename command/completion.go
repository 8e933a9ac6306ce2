package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

func (app App) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the script with which a shell completes commands and flags",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			script := map[string]func(*cli.App) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Args().First()]
			if script == nil || c.NArg() != 1 {
				return usagef("name a shell: ktask completion bash|zsh|fish")
			}
			_, err := io.WriteString(app.Out, script(c.App))
			return err
		},
	}
}

// bashCompletion returns the script for bash. Where neither a command nor a flag is meant, bash completes file names.
func bashCompletion(root *cli.App) string {
	var cases, nested strings.Builder
	for _, c := range typable(root) {
		var flags []string
		for _, f := range completed(c.Command) {
			flags = append(flags, "--"+f.Names()[0])
		}
		fmt.Fprintf(&cases, "    '%s') words='%s' ;;\n", c.name, strings.Join(flags, " "))
		if names := commandNames(c.Subcommands); names != nil {
			fmt.Fprintf(&nested, "    %s) subcommands='%s' ;;\n", c.name, strings.Join(names, " "))
		}
	}
	return fmt.Sprintf(`_ktask() {
  local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} words= subcommands=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '%s' -- "$current"))
    return
  fi
  case $command in
%s  esac
  case " $subcommands " in *" ${COMP_WORDS[2]} "*) [ "$COMP_CWORD" -eq 2 ] || command="$command ${COMP_WORDS[2]}" ;; esac
  case $command in
%s  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    *) [ "$COMP_CWORD" -ne 2 ] || COMPREPLY=($(compgen -W "$subcommands" -- "$current")) ;;
  esac
}
complete -o default -F _ktask ktask
`, strings.Join(commandNames(root.VisibleCommands()), " "), nested.String(), cases.String())
}

// typableCommand is a command with its name as it is typed: "run" or "images pull".
type typableCommand struct {
	*cli.Command
	name string
}

// typable returns the commands and their subcommands.
func typable(root *cli.App) []typableCommand {
	var all []typableCommand
	for _, c := range root.VisibleCommands() {
		all = append(all, typableCommand{c, c.Name})
		for _, sub := range c.Subcommands {
			all = append(all, typableCommand{sub, c.Name + " " + sub.Name})
		}
	}
	return all
}

// zshCompletion returns the script for zsh, a function of its completion system.
func zshCompletion(root *cli.App) string {
	var commands, nested, cases strings.Builder
	for _, c := range root.VisibleCommands() {
		fmt.Fprintf(&commands, " %s", zshItem(c.Name, c.Usage))
	}
	for _, c := range typable(root) {
		fmt.Fprintf(&cases, "    '%s') flags=(", c.name)
		for _, f := range completed(c.Command) {
			fmt.Fprintf(&cases, " %s", zshItem("--"+f.Names()[0], usageOf(f)))
		}
		cases.WriteString(" ) ;;\n")
		if len(c.Subcommands) > 0 {
			fmt.Fprintf(&nested, "    %s) names=(%s) subcommands=(", c.name, strings.Join(commandNames(c.Subcommands), " "))
			for _, sub := range c.Subcommands {
				fmt.Fprintf(&nested, " %s", zshItem(sub.Name, sub.Usage))
			}
			nested.WriteString(" ) ;;\n")
		}
	}
	return fmt.Sprintf(`#compdef ktask
_ktask() {
  local -a commands flags names subcommands
  local command=$words[2]
  commands=(%s )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $command in
%s  esac
  if (( CURRENT > 3 && $names[(Ie)$words[3]] )); then command="$command $words[3]"; fi
  case $command in
%s  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe flag flags
  else
    if (( CURRENT == 3 && $#subcommands )); then _describe command subcommands; fi
    _files
  fi
}
if [ "$funcstack[1]" = _ktask ]; then _ktask "$@"; else compdef _ktask ktask; fi
`, commands.String(), nested.String(), cases.String())
}

// fishCompletion returns the script for fish.
func fishCompletion(root *cli.App) string {
	var b strings.Builder
	for _, c := range root.VisibleCommands() {
		fmt.Fprintf(&b, "complete -c ktask -n __fish_use_subcommand -f -a %s -d %s\n", c.Name, quoted(c.Usage))
		within := "__fish_seen_subcommand_from " + c.Name
		alone := within
		if len(c.Subcommands) > 0 {
			alone += "; and not __fish_seen_subcommand_from " + strings.Join(commandNames(c.Subcommands), " ")
		}
		fishFlags(&b, c, alone)
		for _, sub := range c.Subcommands {
			fmt.Fprintf(&b, "complete -c ktask -n '%s' -a %s -d %s\n", alone, sub.Name, quoted(sub.Usage))
			fishFlags(&b, sub, within+"; and __fish_seen_subcommand_from "+sub.Name)
		}
	}
	return b.String()
}

// fishFlags writes the flags of a command that are completed under a condition.
func fishFlags(b *strings.Builder, c *cli.Command, condition string) {
	for _, f := range completed(c) {
		value := ""
		if kindOf(f) != noValue {
			value = " -r"
		}
		fmt.Fprintf(b, "complete -c ktask -n '%s' -l %s%s -d %s\n", condition, f.Names()[0], value, quoted(usageOf(f)))
	}
}

// completed returns the flags of a command that a shell completes.
func completed(c *cli.Command) []cli.Flag {
	var all []cli.Flag
	for _, f := range append(c.Flags, cli.HelpFlag) {
		if v, ok := f.(cli.VisibleFlag); !ok || v.IsVisible() {
			all = append(all, f)
		}
	}
	return all
}

func usageOf(f cli.Flag) string {
	if f, ok := f.(cli.DocGenerationFlag); ok {
		return strings.ReplaceAll(f.GetUsage(), "`", "")
	}
	return ""
}

// zshItem returns an item of zsh's _describe: NAME:USAGE, where a colon in the name would end it.
func zshItem(name, usage string) string {
	return quoted(strings.ReplaceAll(name, ":", `\:`) + ":" + usage)
}

// quoted returns a text as a word of a shell. In single quotes fish alone reads a backslash.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, `\`, ""), "'", "’") + "'"
}
