package spec

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec/yamltree"
)

// helmAction matches what only Helm replaces: an action with one of its objects or functions.
var helmAction = regexp.MustCompile(`\{\{-?[^{}]*(?:\.(?:Values|Release|Chart|Capabilities|Files|Template)\b|\b(?:include|template|tpl|toYaml)\s)[^{}]*\}\}`)

// renderFirst is the remedy for a template.
const renderFirst = "helm template CHART | ktask run -"

// template passes over a document with actions that names Keptn, if it was found among the templates of a chart and nothing will
// be run. It reports whether it has done so.
func (l *loader) template(text []byte) bool {
	if !l.options.Preview || !l.file.Template || !bytes.Contains(text, []byte("{{")) || !keptnText.Match(text) {
		return false
	}
	p := Problem{
		Pos: Pos{File: l.file.Name, Line: 1, Column: 1}, Rule: "unrendered-template", Remedy: renderFirst,
		Message: "a template of a Helm chart with objects of Keptn is not checked",
	}
	l.manifests.Foreign++
	l.manifests.Unread = append(l.manifests.Unread, p)
	l.passOver(p)
	return true
}

// templates returns a problem for each scalar of an object that has an action of a Helm template, in their order.
func (o *object) templates() Problems {
	var all Problems
	seen := map[*yamltree.Node]bool{} // an alias shares its node
	var walk func(n *yamltree.Node, at *yamltree.Path)
	walk = func(n *yamltree.Node, at *yamltree.Path) {
		if seen[n] || len(all) > maxProblems {
			return
		}
		seen[n] = true
		if n.Kind == yamltree.String && strings.Contains(n.Text, "{{") && helmAction.MatchString(n.Text) {
			all = append(all, Problem{
				Pos: o.posOf(n, at), Severity: Warning, Rule: "unrendered-template", Remedy: renderFirst,
				Message: fmt.Sprintf("%s holds %s, which is an action of a Helm template that was not rendered", at, shortened(helmAction.FindString(n.Text))),
			})
		}
		for i, value := range n.Values {
			below := at.Item(i)
			if n.Kind == yamltree.Object {
				below = at.Field(n.Keys()[i].Text)
			}
			walk(value, below)
		}
	}
	walk(o.node, nil)
	return all
}

// reportTemplates reports the first of the templates of an object that was read, as a warning. If the object has errors of templates
// after the first problems, one error that names the first of these templates replaces them.
func (o *object) reportTemplates(templates Problems, first int) {
	if len(templates) == 0 {
		return
	}
	type place struct{ line, column int }
	errors, wrong := map[place]bool{}, map[place]bool{}
	for _, p := range o.problems[first:] {
		if p.Severity == Error {
			errors[place{p.Pos.Line, p.Pos.Column}] = true
		}
	}
	report := templates[0]
	for _, p := range templates {
		at := place{p.Pos.Line, p.Pos.Column}
		wrong[at] = errors[at]
		if errors[at] && report.Severity != Error {
			report, report.Severity = p, Error
		}
	}
	kept := slices.DeleteFunc(o.problems[first:], func(p Problem) bool { return wrong[place{p.Pos.Line, p.Pos.Column}] })
	o.problems = o.problems[:first+len(kept)]
	o.problem(report)
}
