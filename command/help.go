package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// helpWidth is how many columns the help has. The second column begins at flagColumn or nameColumn.
const (
	helpWidth  = 80
	flagColumn = 30
	nameColumn = 14
)

// setHelp sets the help of ktask and of all commands if the arguments may ask for one: it takes milliseconds.
func setHelp(root *cli.App, args []string) {
	asks := func(arg string) bool { return arg == "-h" || strings.Contains(arg, "help") }
	if command, _ := commandOf(root, args); command != nil && !slices.ContainsFunc(args, asks) {
		return
	}
	root.CustomAppHelpTemplate = literal(appHelp(root))
	for _, c := range root.Commands {
		withHelp(c, c.Name)
	}
}

// withHelp sets the help of a command and of its subcommands.
func withHelp(c *cli.Command, name string) {
	c.CustomHelpTemplate = literal(helpOf(c, name))
	for _, sub := range c.Subcommands {
		withHelp(sub, name+" "+sub.Name)
	}
}

// literal returns the template of a text.
func literal(text string) string { return strings.ReplaceAll(text, "{{", `{{"{{"}}`) }

// helpOf returns the help of a command, whose name is that which is typed after "ktask".
func helpOf(c *cli.Command, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage: ktask %s\n", capitalized(c.Usage), usageLine(c, name))
	writeExamples(&b, name)
	for _, text := range paragraphs(c.Description) {
		b.WriteString("\n" + wrapped(text, 0))
	}
	if len(c.Subcommands) > 0 {
		b.WriteString("\nCommands\n")
		for _, sub := range c.Subcommands {
			b.WriteString(entry(sub.Name, sub.Usage, nameColumn))
		}
	}
	for _, group := range grouped(c) {
		b.WriteString("\n" + group.name + "\n")
		for _, f := range group.flags {
			label, text := flagHelp(f)
			b.WriteString(entry(label, text, flagColumn))
		}
	}
	return b.String()
}

// appHelp returns the help of ktask.
func appHelp(root *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage: ktask COMMAND [FLAG...] [PATH...]\n", capitalized(root.Usage))
	writeExamples(&b, "")
	b.WriteString("\nCommands\n")
	for _, c := range root.VisibleCommands() {
		b.WriteString(entry(c.Name, c.Usage, nameColumn))
	}
	b.WriteString("\nTopics (ktask help TOPIC)\n")
	for _, t := range topics() {
		b.WriteString(entry(t.name, t.title, nameColumn))
	}
	b.WriteString("\nktask help COMMAND and ktask COMMAND --help show the flags of a command.\n")
	return b.String()
}

func usageLine(c *cli.Command, name string) string {
	words := []string{name}
	if len(c.Flags) > 0 {
		words = append(words, "[FLAG...]")
	}
	if c.ArgsUsage != "" {
		words = append(words, c.ArgsUsage)
	}
	return strings.Join(words, " ")
}

func writeExamples(b *strings.Builder, name string) {
	if len(examples[name]) == 0 {
		return
	}
	b.WriteString("\nExamples\n")
	column := 0
	for _, e := range examples[name] {
		column = max(column, len(e.command)+4)
	}
	for _, e := range examples[name] {
		b.WriteString(beside("  "+e.command, "# "+e.comment, min(column, 46), "# "))
	}
}

// flagGroup is a group of flags with its name.
type flagGroup struct {
	name  string
	flags []cli.Flag
}

// grouped returns the flags of a command by their groups.
func grouped(c *cli.Command) []flagGroup {
	all := make([]flagGroup, len(groups))
	for i, name := range groups {
		all[i].name = name
	}
	if len(c.Flags) == 0 {
		return nil
	}
	for _, f := range completed(c) {
		i := len(groups) - 1
		if f, ok := f.(cli.CategorizableFlag); ok {
			for j, name := range groups {
				if name == f.GetCategory() {
					i = j
				}
			}
		}
		all[i].flags = append(all[i].flags, f)
	}
	filled := all[:0]
	for _, g := range all {
		if len(g.flags) > 0 {
			filled = append(filled, g)
		}
	}
	return filled
}

// flagHelp returns a flag with its short name and its value, and what it does.
func flagHelp(f cli.Flag) (label, text string) {
	names := f.Names()
	label = "    --" + names[0]
	if len(names) > 1 && len(names[1]) == 1 {
		label = "-" + names[1] + ", --" + names[0]
	}
	documented, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return label, ""
	}
	_, rest, _ := strings.Cut(documented.GetUsage(), "`")
	if value, _, ok := strings.Cut(rest, "`"); ok {
		label += " " + value
	}
	var notes []string
	if kindOf(f) == severalValues {
		notes = append(notes, "repeatable")
	}
	if standard := documented.GetDefaultText(); standard != "" && kindOf(f) != noValue {
		notes = append(notes, "default: "+standard)
	}
	if text = usageOf(f); notes != nil {
		text += " (" + strings.Join(notes, "; ") + ")"
	}
	return label, text
}

// entry returns a line of a list, with what it means beside it.
func entry(label, text string, column int) string { return beside("  "+label, text, column, "") }

// beside returns a text in a second column that begins at a column, or below the first if that is too long. Further lines begin
// with a prefix.
func beside(first, second string, column int, prefix string) string {
	lines := strings.Split(strings.TrimSuffix(wrapped(second, column+len(prefix)), "\n"), "\n")
	var b strings.Builder
	if len(first) > column-2 {
		b.WriteString(first + "\n")
		first = ""
	}
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if i > 0 {
			first, line = "", prefix+line
		}
		fmt.Fprintf(&b, "%-*s%s\n", column, first, line)
	}
	return b.String()
}

// paragraphs returns the paragraphs of a text. Those whose lines are indented keep them.
func paragraphs(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, "\n\n") {
		if part = strings.Trim(part, "\n"); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// wrapped returns a paragraph in lines that fit, each with an indent. A paragraph that is indented keeps its lines.
func wrapped(text string, indent int) string {
	if strings.HasPrefix(text, " ") {
		return text + "\n"
	}
	var b strings.Builder
	width := indent
	margin := strings.Repeat(" ", indent)
	b.WriteString(margin)
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case width+1+len([]rune(word)) > helpWidth:
			b.WriteString("\n" + margin)
			width = indent
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len([]rune(word))
	}
	return b.String() + "\n"
}

// capitalized returns a usage text as a sentence.
func capitalized(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
