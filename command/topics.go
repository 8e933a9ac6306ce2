package command

import (
	"embed"
	"io"
	"path"
	"strings"

	"github.com/urfave/cli/v2"
)

// topicFiles are the texts of `ktask help TOPIC`. The first line is the title.
//
//go:embed topics/*.txt
var topicFiles embed.FS

// topic is a text about more than one command.
type topic struct{ name, title, text string }

// topics returns all topics, sorted by name.
func topics() []topic {
	entries, _ := topicFiles.ReadDir("topics") // an embedded directory can be read
	var all []topic
	for _, e := range entries {
		text, _ := topicFiles.ReadFile("topics/" + e.Name())
		title, rest, _ := strings.Cut(string(text), "\n")
		all = append(all, topic{strings.TrimSuffix(e.Name(), path.Ext(e.Name())), title, strings.TrimLeft(rest, "\n")})
	}
	return all
}

func (app App) helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "show how a command is used, or a text on a topic", ArgsUsage: "[COMMAND|TOPIC|topics]",
		Action: func(c *cli.Context) error {
			args := c.Args().Slice()
			if len(args) == 0 {
				return cli.ShowAppHelp(c)
			}
			if command, names := commandOf(c.App, args); command != nil {
				_, err := io.WriteString(app.Out, helpOf(command, strings.Join(args[:names], " ")))
				return err
			}
			return app.showTopic(c, args[0])
		},
	}
}

// showTopic prints a topic, or the list of them.
func (app App) showTopic(c *cli.Context, name string) error {
	var text strings.Builder
	names := append(commandNames(c.App.VisibleCommands()), "topics")
	for _, t := range topics() {
		names = append(names, t.name)
		switch name {
		case "topics":
			text.WriteString(entry(t.name, t.title, nameColumn))
		case t.name:
			text.WriteString(capitalized(t.title) + "\n\n" + t.text)
		}
	}
	if text.Len() == 0 {
		if exists(name) {
			return noCommand(c)
		}
		return usagef("unknown command or topic %q%s", name, didYouMean(name, names))
	}
	_, err := io.WriteString(app.Out, text.String())
	return err
}
