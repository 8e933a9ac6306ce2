package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// manCommand prints the manual page, for those who package ktask. It is made of what the help shows.
func (app App) manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print the manual page", Hidden: true,
		Action: func(c *cli.Context) error {
			_, err := io.WriteString(app.Out, manOf(c.App))
			return err
		},
	}
}

// manPage is a manual page in the language of troff's macros, see man(7).
type manPage struct{ strings.Builder }

func manOf(root *cli.App) string {
	var p manPage
	p.WriteString(".TH KTASK 1\n.nh\n.ad l\n")
	p.section("NAME")
	p.text("ktask - " + root.Usage)
	p.section("SYNOPSIS")
	p.text("ktask COMMAND [FLAG...] [PATH...]")
	p.examples("")
	for _, c := range typable(root) {
		p.section("ktask " + c.name)
		p.text(capitalized(c.Usage))
		p.text("Usage: ktask " + usageLine(c.Command, c.name))
		p.examples(c.name)
		for _, text := range paragraphs(c.Description) {
			p.text(text)
		}
		for _, group := range grouped(c.Command) {
			p.heading(group.name)
			for _, f := range group.flags {
				p.item(flagHelp(f))
			}
		}
	}
	for _, t := range topics() {
		p.section(t.title)
		for _, text := range paragraphs(t.text) {
			p.text(text)
		}
	}
	return p.String()
}

func (p *manPage) section(title string) { p.WriteString(".SH " + roff(strings.ToUpper(title)) + "\n") }

func (p *manPage) heading(title string) { p.WriteString(".SS " + roff(title) + "\n") }

// text writes a paragraph. If it is indented, its lines stay as they are.
func (p *manPage) text(text string) {
	if strings.HasPrefix(text, " ") {
		text = strings.ReplaceAll(text, "\n    ", "\n")
		p.WriteString(".PP\n.RS\n.nf\n" + roff(strings.TrimLeft(text, " ")) + "\n.fi\n.RE\n")
		return
	}
	p.WriteString(".PP\n" + roff(text) + "\n")
}

// item writes a word and what it means.
func (p *manPage) item(word, meaning string) {
	fmt.Fprintf(p, ".TP\n\\fB%s\\fR\n%s\n", roff(strings.TrimSpace(word)), roff(meaning))
}

func (p *manPage) examples(name string) {
	if len(examples[name]) == 0 {
		return
	}
	p.heading("Examples")
	for _, e := range examples[name] {
		p.item(e.command, e.comment)
	}
}

// roff returns a text in which troff finds no commands.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "•", `\(bu`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
