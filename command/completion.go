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
		Description: "bash: source <(ktask completion bash)\n" +
			"zsh:  ktask completion zsh > \"${fpath[1]}/_ktask\"\n" +
			"fish: ktask completion fish > ~/.config/fish/completions/ktask.fish",
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
	var cases strings.Builder
	for _, c := range root.VisibleCommands() {
		var flags []string
		for _, f := range completed(c) {
			flags = append(flags, "--"+f.Names()[0])
		}
		fmt.Fprintf(&cases, "    %s) words='%s' ;;\n", c.Name, strings.Join(flags, " "))
	}
	return fmt.Sprintf(`_ktask() {
  local current=${COMP_WORDS[COMP_CWORD]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '%s' -- "$current"))
    return
  fi
  case $current in -*) ;; *) return ;; esac
  case ${COMP_WORDS[1]} in
%s  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _ktask ktask
`, strings.Join(commandNames(root.VisibleCommands()), " "), cases.String())
}

// zshCompletion returns the script for zsh, a function of its completion system.
func zshCompletion(root *cli.App) string {
	var commands, cases strings.Builder
	for _, c := range root.VisibleCommands() {
		fmt.Fprintf(&commands, " %s", zshItem(c.Name, c.Usage))
		fmt.Fprintf(&cases, "    %s) flags=(", c.Name)
		for _, f := range completed(c) {
			fmt.Fprintf(&cases, " %s", zshItem("--"+f.Names()[0], usageOf(f)))
		}
		cases.WriteString(" ) ;;\n")
	}
	return fmt.Sprintf(`#compdef ktask
_ktask() {
  local -a commands flags
  commands=(%s )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
%s  esac
  if [[ $words[CURRENT] == -* ]]; then
    _describe flag flags
  else
    _files
  fi
}
if [ "$funcstack[1]" = _ktask ]; then _ktask "$@"; else compdef _ktask ktask; fi
`, commands.String(), cases.String())
}

// fishCompletion returns the script for fish.
func fishCompletion(root *cli.App) string {
	var b strings.Builder
	for _, c := range root.VisibleCommands() {
		fmt.Fprintf(&b, "complete -c ktask -n __fish_use_subcommand -f -a %s -d %s\n", c.Name, quoted(c.Usage))
		for _, f := range completed(c) {
			value := ""
			if kindOf(f) != noValue {
				value = " -r"
			}
			fmt.Fprintf(&b, "complete -c ktask -n '__fish_seen_subcommand_from %s' -l %s%s -d %s\n", c.Name, f.Names()[0], value, quoted(usageOf(f)))
		}
	}
	return b.String()
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
