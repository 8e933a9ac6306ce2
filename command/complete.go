package command

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine/plan"
)

// completeName is the command that the scripts of the shells call.
const completeName = "__complete"

// completeCommand prints what the last of its arguments can become, one candidate a line, with what it means after a tab. The arguments
// are the words of a command line after "ktask" up to the cursor. The last one has a dot before it, since some shells pass no empty word.
func (app App) completeCommand() *cli.Command {
	return &cli.Command{
		Name: completeName, Usage: "print how the words of a command line can go on", ArgsUsage: "-- [WORD...] .WORD", Hidden: true,
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 || !strings.HasPrefix(words[len(words)-1], ".") {
				return usagef("give the words after --, and a dot before the last one")
			}
			last := len(words) - 1
			l := commandLine{root: c.App, words: words[:last], current: words[last][1:]}
			var b strings.Builder
			for _, found := range l.candidates() {
				if strings.HasPrefix(found.text, l.current) && plainWord.MatchString(found.text) {
					fmt.Fprintf(&b, "%s\t%s\n", found.text, plan.OneLine(found.meaning))
				}
			}
			_, err := io.WriteString(app.Out, b.String())
			return err
		},
	}
}

// plainWord matches what no shell expands: names in manifests are a stranger's.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.,/:=@+-]+$`)

// commandLine is a command line that is being typed.
type commandLine struct {
	root *cli.App
	// words are those before the current one, without "ktask".
	words   []string
	current string
}

// candidate is a word that the current one can become.
type candidate struct{ text, meaning string }

// candidates returns what the current word can become. If there are none, a shell completes the names of files.
func (l commandLine) candidates() []candidate {
	command, names := commandOf(l.root, l.words)
	switch {
	case slices.Contains(l.words, "--"):
		return nil
	case len(l.words) == 0:
		return commandCandidates(l.root.VisibleCommands())
	case command == nil:
		return nil
	case command.Name == "help" && len(l.words) == 1:
		all := commandCandidates(l.root.VisibleCommands())
		for _, t := range topics() {
			all = append(all, candidate{t.name, t.title})
		}
		return append(all, candidate{"topics", "the list of topics"})
	case command.Name == "completion" && len(l.words) == 1:
		return words(shells...)
	case command.Name == "init" && len(l.words) == 1:
		return words(starterRuntimes()...)
	}
	if last := l.words[len(l.words)-1]; strings.HasPrefix(last, "-") && !strings.Contains(last, "=") && takesValue(command, strings.TrimLeft(last, "-")) {
		return l.values(command, strings.TrimLeft(longName(command, last), "-"), "")
	}
	if flag, _, ok := strings.Cut(l.current, "="); ok && strings.HasPrefix(flag, "--") {
		return l.values(command, flag[2:], flag+"=")
	}
	if strings.HasPrefix(l.current, "-") {
		var all []candidate
		for _, f := range completed(command) {
			_, meaning := flagHelp(f)
			all = append(all, candidate{"--" + f.Names()[0], meaning})
		}
		return all
	}
	switch {
	case command.Name == "shell" && len(l.paths()) == 0:
		return manifestsIn(projectPaths(l.root)).tasks()
	case len(l.words) == names:
		return commandCandidates(command.Subcommands)
	}
	return nil
}

// paths returns the arguments before the current word that are not flags or values of them.
func (l commandLine) paths(current ...string) []string {
	typed := interspersed(l.root, slices.Concat(l.words, current))
	i := slices.Index(typed, "--")
	if i < 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(typed[i+1:]), func(path string) bool { return path == "-" })
}
