package command

import (
	"embed"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completionScripts are the scripts of the shells. They ask `ktask __complete` for each word.
//
//go:embed completion/ktask.*
var completionScripts embed.FS

// shells are those with a script.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func (app App) completionCommand() *cli.Command {
	return &cli.Command{
		Name:        "completion",
		Usage:       "print the script with which a shell completes commands, flags and values",
		ArgsUsage:   strings.Join(shells, "|"),
		Description: "Names of tasks, apps and workloads come from the manifests that are named, from those of .ktask.yaml, or from the current directory.",
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			if !slices.Contains(shells, shell) || c.NArg() != 1 {
				return usagef("name a shell: ktask completion %s", strings.Join(shells, "|"))
			}
			script, err := completionScripts.ReadFile("completion/ktask." + shell)
			if err != nil {
				return err
			}
			_, err = app.Out.Write(script)
			return err
		},
	}
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

// completed returns the flags of a command that a shell completes.
func completed(c *cli.Command) []cli.Flag {
	var all []cli.Flag
	for _, f := range append(slices.Clone(c.Flags), cli.HelpFlag) {
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
