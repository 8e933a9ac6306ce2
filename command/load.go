package command

import (
	"fmt"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// load reads and resolves what a command was pointed at. Problems are printed here; with an error among them
// nothing may be run, and the error of load has the exit code for it.
func (app App) load(s settings, o resolve.Options, quiet bool) (plan.Plan, error) {
	paths, err := s.paths()
	if err != nil {
		return plan.Plan{}, err
	}
	files, err := app.read(paths)
	if err != nil {
		return plan.Plan{}, err
	}
	manifests, problems := spec.Load(files, spec.Options{Namespace: o.Namespace, Lenient: o.Lenient})
	var p plan.Plan
	if len(problems.Errors()) == 0 {
		var more spec.Problems
		p, more = resolve.Resolve(manifests, o)
		p.Warnings = append(resolve.Warnings(problems), p.Warnings...)
		problems = append(problems, more...)
	}
	failed := len(problems.Errors()) > 0
	if quiet && !failed {
		problems = nil
	}
	app.printer(s, files).print(problems)
	switch {
	case failed:
		return p, exitError{exitUsage, nil}
	case len(p.Tasks) == 0:
		return p, exitError{exitUsage, fmt.Errorf("nothing to run: %s", nothing(manifests, p, paths))}
	}
	return p, nil
}

// nothing says why a plan is empty.
func nothing(m spec.Manifests, p plan.Plan, paths []string) string {
	if len(p.Skipped) > 0 {
		return leftOut(p.Skipped)
	}
	return fmt.Sprintf("there is no KeptnTask and no KeptnTaskDefinition in %s (%d other objects)", strings.Join(paths, ", "), m.Foreign)
}

// leftOut tells in one line what a run does not execute.
func leftOut(skipped []plan.Skipped) string {
	var all []string
	for i, s := range skipped {
		if i == 5 && len(skipped) > 6 {
			all = append(all, fmt.Sprintf("and %d more", len(skipped)-i))
			break
		}
		all = append(all, fmt.Sprintf("%s (%s)", s.Name, s.Reason))
	}
	return "left out: " + strings.Join(all, ", ")
}

func (app App) printer(s settings, files []spec.File) problemPrinter {
	return problemPrinter{w: app.Err, terminal: app.ErrTerminal, color: app.color(s, app.ErrTerminal), files: files}
}
