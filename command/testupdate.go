package command

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/expect"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/spec"
)

// updateTests writes what was seen of the outdated cases into their files.
func (r *caseReport) updateTests(cases []testCase) error {
	byFile := map[string][]testCase{}
	var files []string
	for _, c := range cases {
		if !r.ends[c.name].outdated {
			continue
		}
		if byFile[c.Pos.File] == nil {
			files = append(files, c.Pos.File)
		}
		byFile[c.Pos.File] = append(byFile[c.Pos.File], c)
	}
	var failures []error
	for _, file := range files {
		failures = append(failures, r.updateFile(file, byFile[file]))
	}
	return errors.Join(failures...)
}

// updateFile updates cases of a file, or none if one of them cannot be updated.
func (r *caseReport) updateFile(name string, cases []testCase) error {
	if name == spec.Stdin {
		return errors.New("--update: standard input cannot be updated (name the file)")
	}
	text, err := local.ReadFile(name, maxSettings)
	if err != nil {
		return fmt.Errorf("--update: %s: %w", name, err)
	}
	slices.SortFunc(cases, func(a, b testCase) int { return b.Pos.Line - a.Pos.Line }) // the places of those above stay
	for _, c := range cases {
		if text, err = expect.Update(text, c.TestCase, r.ends[c.name].seen, c.hide); err != nil {
			return fmt.Errorf("--update: %s: case %q cannot be updated: %w", c.Pos, c.Name, err)
		}
	}
	if err := os.WriteFile(name, text, 0o666); err != nil {
		return fmt.Errorf("--update: %w", err)
	}
	_, err = fmt.Fprintf(r.out, "%s: updated %s\n", plan.OneLine(name), counted(len(cases), "case"))
	return err
}
