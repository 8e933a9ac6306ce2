package main

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// census counts the verdicts of files, and the files in which each rule was broken.
type census struct {
	files map[verdict]int
	rules map[rule]*tally
	// failures are the files that crashed ktask or took too long, and those that could not be read, with the reasons.
	failures []string
	unread   int
}

// missing is the severity under which references to objects that are not among the files are counted.
const missing spec.Severity = "missing"

// rule is a rule with the worst severity that its problems had in a file.
type rule struct {
	severity spec.Severity
	name     string
}

// tally counts the files of a rule. example is the first place.
type tally struct {
	files   int
	example string
}

func newCensus() *census {
	return &census{files: map[verdict]int{}, rules: map[rule]*tally{}}
}

// walk judges all files below a directory, hidden ones too. It does not follow links.
func (c *census) walk(dir string, limit time.Duration, judge func(spec.File) outcome) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil && name == dir {
			return err
		}
		if err == nil && (!entry.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name))) {
			return nil
		}
		var data []byte
		if err == nil {
			data, err = local.ReadFile(name, local.MaxManifest)
		}
		if err != nil {
			c.unread++
			c.failures = append(c.failures, fmt.Sprintf("%s: cannot be read: %v", name, err))
			return nil
		}
		c.add(name, guarded(spec.File{Name: name, Data: data}, limit, judge))
		return nil
	})
}

func (c *census) add(name string, o outcome) {
	c.files[o.verdict]++
	if o.detail != "" {
		c.failures = append(c.failures, fmt.Sprintf("%s: %s: %s", name, o.verdict, o.detail))
	}
	worst := map[string]spec.Problem{}
	for _, p := range o.problems {
		if resolve.IsMissing(p) {
			p.Severity = missing
		}
		if first, seen := worst[p.Rule]; !seen || order(p.Severity) < order(first.Severity) {
			worst[p.Rule] = p
		}
	}
	for name, p := range worst {
		r := rule{p.Severity, name}
		if c.rules[r] == nil {
			c.rules[r] = &tally{example: p.Pos.String()}
		}
		c.rules[r].files++
	}
}

// order returns the place of a severity in the order from the worst.
func order(s spec.Severity) int {
	return slices.Index([]spec.Severity{spec.Error, missing, spec.Warning, spec.Note}, s)
}

// print writes the counts, and for each rule the place of its first problem.
func (c *census) print(out io.Writer) {
	for _, failure := range c.failures {
		_, _ = fmt.Fprintln(out, failure)
	}
	total := c.unread
	for _, n := range c.files {
		total += n
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "files\t%d\n", total)
	for _, v := range []verdict{accepted, warned, incomplete, refused, foreign, crashed, slow} {
		_, _ = fmt.Fprintf(w, "%s\t%d\n", v, c.files[v])
	}
	_, _ = fmt.Fprintf(w, "unread\t%d\n", c.unread)
	_ = w.Flush()
	rules := slices.SortedFunc(maps.Keys(c.rules), func(a, b rule) int {
		return cmp.Or(order(a.severity)-order(b.severity), c.rules[b].files-c.rules[a].files, cmp.Compare(a.name, b.name))
	})
	if len(rules) > 0 {
		_, _ = fmt.Fprintln(w, "\nRULE\tSEVERITY\tFILES\tFIRST")
	}
	for _, r := range rules {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", r.name, r.severity, c.rules[r].files, c.rules[r].example)
	}
	_ = w.Flush()
}
