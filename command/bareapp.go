package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// bareApps returns a note for each app whose tasks a run executes by themselves, see "Tasks of a stage by themselves" in
// docs/fidelity.md.
func (s settings) bareApps(m spec.Manifests, o resolve.Options, p plan.Plan) spec.Problems {
	if len(o.Tasks)+len(p.Stages)+len(m.Tasks) > 0 || s.command != "run" && s.command != "plan" {
		return nil
	}
	var notes spec.Problems
	apps, _ := resolve.Apps(m, o) // its problems are those of a deployment
	for _, a := range apps {
		names := slices.Concat(a.Pre, a.Post, a.Promotion)
		for _, w := range a.Workloads {
			names = slices.Concat(names, w.Pre, w.Post)
		}
		if !slices.ContainsFunc(p.Tasks, func(t plan.Task) bool { return slices.Contains(names, t.Definition) }) {
			continue
		}
		kind, at := appOf(m, a)
		notes = append(notes, spec.Problem{
			Pos: at, Severity: spec.Note, Rule: "bare-app",
			Message: fmt.Sprintf("this is %s %s, whose tasks run here by themselves, without its stages and its context", kind, a.Name),
			Remedy:  s.runWith("--app "+local.ShellPath(a.Name)) + " runs it as Keptn would",
		})
	}
	return notes
}

// runWith returns the command line of a run of the same paths with a flag.
func (s settings) runWith(flag string) string {
	line, before := "ktask run "+flag, ""
	for _, path := range s.args {
		if path == "-" {
			before = "... | "
		} else {
			path = local.ShellPath(path)
		}
		line += " " + path
	}
	return before + line
}

// appOf returns the kind and the place of the object that makes an app. Keptn makes an app of a workload that has none.
func appOf(m spec.Manifests, a resolve.AppTree) (kind string, at spec.Pos) {
	is := func(meta spec.Meta) bool {
		return strings.EqualFold(meta.Name, a.Name) && meta.Namespace == a.Namespace
	}
	for _, app := range m.Apps {
		if is(app.Meta) {
			return "KeptnApp", app.Pos
		}
	}
	for _, c := range m.AppContexts {
		if is(c.Meta) {
			return "KeptnApp", c.Pos
		}
	}
	return "app", spec.Pos{}
}
