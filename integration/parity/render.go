package parity

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	// mostNames and mostValues are how many names and values a cell has.
	mostNames, mostValues = 4, 3
	// longest is how many characters of a value a cell has.
	longest = 60
	// kept is about how many bytes of a common beginning are shown.
	kept = 20
)

// number matches what distinguishes the facts of one row.
var number = regexp.MustCompile(` \d+$`)

// kinds are the first words of facts, and what they are about.
var kinds = []struct{ name, words string }{
	{"env", "variables"},
	{"sha256", "bytes of scripts and of values of secrets"},
	{"file", "type, mode and owner of files and directories"},
	{"mount", "mounts of the task, and their flags"},
	{"size", "sizes of volumes"},
	{"write", "what a task can write"},
	{"allowed", "what a deno script may do"},
	{"process", "ids, groups, capabilities, seccomp, no_new_privs, arguments, working directory, descriptors"},
	{"limit", "limits of the cgroup"},
	{"sysctl", "settings of the network"},
	{"output", "other output"},
	{"status", "status"},
	{"exit", "attempts and their exit codes"},
	{"reason", "reason"},
	{"message", "messages of tasks and attempts"},
}

// Render returns the text of docs/parity.md.
func (s Sides) Render() string {
	differences, counts := s.Compare()
	total := Count{}
	for _, c := range counts {
		total.Facts, total.Equal = total.Facts+c.Facts, total.Equal+c.Equal
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Parity: the same tasks on Docker and on a cluster

`+"`make parity`"+` runs %d definitions three times: on Docker with `+"`--semantics local`, on Docker with `--semantics cluster`"+`, and as Jobs on a
real cluster with `+"`--engine kubernetes --semantics cluster`"+`. It compares what each task found and how it ended, and writes this page. A
difference that no rule of [fidelity.md](fidelity.md) explains is an error. The definitions are in `+"`integration/parity/testdata`"+`.

## What is equal

Of %d facts %d are the same on all three sides.

| facts about | number | same |
|---|---|---|
`, len(s[0]), total.Facts, total.Equal)
	for _, k := range kinds {
		fmt.Fprintf(&b, "| %s | %d | %d |\n", k.words, counts[k.name].Facts, counts[k.name].Equal)
	}
	b.WriteString("\nThe definitions:\n\n")
	line := ""
	for _, name := range slices.Sorted(maps.Keys(s[0])) {
		if len(line)+len(name) > 120 {
			b.WriteString(strings.TrimSpace(line) + "\n")
			line = ""
		}
		line += name + ", "
	}
	b.WriteString(strings.TrimSuffix(line, ", ") + "\n")
	b.WriteString(`
## What differs

A row has the definitions whose facts differ by the same rule; of many definitions and values it shows some. "last" is the last start of
a Job that fails: it never passes, and how it ends is a race. TASK, POD and FILE:LINE stand for names and places of a run.

| definition | what | Docker, local | Docker, cluster | cluster | rule |
|---|---|---|---|---|---|
`)
	for _, row := range s.rowsOf(differences) {
		b.WriteString(row)
	}
	return b.String()
}

// rowsOf returns the rows of the table: one for the facts of a name with the same rules, and one for each way in which attempts end.
func (s Sides) rowsOf(differences []Difference) []string {
	groups := map[string][]Difference{}
	for _, d := range differences {
		key := []string{number.ReplaceAllString(d.What, ""), strings.Join(d.Headings, ", ")}
		if d.What == "exit codes" {
			key = append(key, d.Values[:]...)
		}
		groups[strings.Join(key, "\n")] = append(groups[strings.Join(key, "\n")], d)
	}
	var rows []string
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		group := groups[key]
		var definitions []string
		var values [3][]string
		for _, d := range group {
			definitions = append(definitions, d.Definition)
			for i, value := range withoutPrefix(d.Values) {
				values[i] = append(values[i], cell(value))
			}
		}
		named := few(definitions, mostNames)
		if n := s.having(group[0].What); n > mostNames && n == len(definitions) {
			named = fmt.Sprintf("all %d", n)
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", named, number.ReplaceAllString(group[0].What, ""),
			few(values[0], mostValues), few(values[1], mostValues), few(values[2], mostValues), links(group[0].Headings)))
	}
	return rows
}

// having returns how many definitions have a fact on some side.
func (s Sides) having(what string) int {
	have := map[string]bool{}
	for _, side := range s {
		for definition, facts := range side {
			if _, ok := facts[what]; ok {
				have[definition] = true
			}
		}
	}
	return len(have)
}

// links returns headings as links to docs/fidelity.md.
func links(headings []string) string {
	var all []string
	for _, heading := range headings {
		all = append(all, fmt.Sprintf("[%s](fidelity.md#%s)", heading, strings.ReplaceAll(strings.ToLower(heading), " ", "-")))
	}
	return strings.Join(all, ", ")
}

// withoutPrefix cuts what long values have in common at their beginning.
func withoutPrefix(values [3]string) [3]string {
	common := values[0]
	for _, value := range values {
		for !strings.HasPrefix(value, common) {
			common = common[:len(common)-1]
		}
	}
	common = common[:strings.LastIndexAny(common[:max(0, len(common)-kept)], " \n")+1]
	if len(common) < longest/2 {
		return values
	}
	for i := range values {
		values[i] = "…" + values[i][len(common):]
	}
	return values
}

// few returns the first texts of a list, without repetition, and how many there are beside them.
func few(texts []string, most int) string {
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	if len(texts) <= most {
		return strings.Join(texts, "; ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(texts[:most], "; "), len(texts)-most)
}

// cell returns a value as it stands in a cell.
func cell(value string) string {
	if value == "" {
		return "–"
	}
	value = strings.TrimSpace(value)
	if letters := []rune(value); len(letters) > longest {
		value = string(letters[:longest]) + "…"
	}
	return strings.NewReplacer("\n", " ⏎ ", "\t", " ", "|", `\|`, "<", "&lt;").Replace(value)
}
