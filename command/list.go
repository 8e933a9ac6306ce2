package command

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

func (app App) listCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the tasks in these manifests, and the apps with their stages",
		ArgsUsage:   pathArguments,
		Description: "With --task or --selector only the tasks and definitions that these select are listed, and no apps.",
		Flags: []cli.Flag{
			taskFlag(), selectorFlag(), namespaceFlag(), lenientFlag(), trackedFlag(), excludeFlag(),
			formFlag("text", "json"), quietFlag("print only the names of tasks and definitions"), noColorFlag(),
		},
		Action: app.list,
	}
}

// listing is the document of list.
type listing struct {
	Schema string       `json:"schema"`
	Tasks  []listedTask `json:"tasks"`
	Apps   []listedApp  `json:"apps"`
}

// listedTask is a KeptnTask or a definition.
type listedTask struct {
	Kind      string            `json:"kind"`
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	// Runs is what a definition runs, or the definition of a KeptnTask.
	Runs   string `json:"runs"`
	Origin string `json:"origin"`
}

type listedApp struct {
	Name      string           `json:"name"`
	Namespace string           `json:"namespace"`
	Version   string           `json:"version"`
	Pre       []string         `json:"pre"`
	Workloads []listedWorkload `json:"workloads"`
	Post      []string         `json:"post"`
	Promotion []string         `json:"promotion"`
}

type listedWorkload struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Object  string   `json:"object"`
	Pre     []string `json:"pre"`
	Post    []string `json:"post"`
}

func (app App) list(c *cli.Context) error {
	s, read, err := app.input(c)
	if err != nil {
		return err
	}
	output, err := s.choice("output", "text", "text", "json")
	if err != nil {
		return err
	}
	o := resolve.Options{KeptnNamespace: local.DefaultKeptnNamespace, Lenient: s.yes("lenient")}
	if o.Namespace, err = s.namespace("namespace", local.DefaultNamespace); err != nil {
		return err
	}
	if o.Selector, err = s.selector(); err != nil {
		return err
	}
	for _, v := range s.all("task") {
		o.Tasks = append(o.Tasks, v.text)
	}
	files := read.Files
	m, problems, _ := spec.Load(files, spec.Options{Namespace: o.Namespace, Lenient: o.Lenient}) // its error is one of the problems
	l, more := newListing(m, o)
	problems = slices.Concat(problems, read.NotRead, more)
	app.printer(s, files).print(s.adapted(problems))
	if problems.Err() != nil && output == "text" && len(l.Tasks)+len(l.Apps) == 0 {
		return exitError{exitUsage, nil} // the problems say why there is nothing to list
	}
	if err := l.write(app.Out, output, s.typed("quiet") == "true"); err != nil {
		return err
	}
	if problems.Err() != nil {
		return exitError{exitUsage, nil}
	}
	return nil
}

func newListing(m spec.Manifests, o resolve.Options) (listing, spec.Problems) {
	l := listing{Schema: "ktask.dev/list/v1", Tasks: []listedTask{}, Apps: []listedApp{}}
	tasks, definitions, problems := resolve.Select(m, o)
	add := func(kind string, m spec.Meta, runs string) {
		labels := map[string]string{}
		for _, l := range m.Labels {
			labels[l.Key] = l.Value
		}
		l.Tasks = append(l.Tasks, listedTask{kind, m.Name, m.Namespace, labels, runs, fmt.Sprintf("%s:%d", m.Pos.File, m.Pos.Line)})
	}
	for _, t := range tasks {
		add("KeptnTask", t.Meta, t.Definition.Value)
	}
	for _, d := range definitions {
		add("KeptnTaskDefinition", d.Meta, runs(d))
	}
	if len(o.Tasks)+len(o.Selector) > 0 {
		return l, problems
	}
	apps, more := resolve.Apps(m, o)
	for _, a := range apps {
		app := listedApp{a.Name, a.Namespace, a.Version, list(a.Pre), []listedWorkload{}, list(a.Post), list(a.Promotion)}
		for _, w := range a.Workloads {
			app.Workloads = append(app.Workloads, listedWorkload{w.Name, w.Version, w.Source, list(w.Pre), list(w.Post)})
		}
		l.Apps = append(l.Apps, app)
	}
	return l, append(problems, more...)
}

// list returns a list that is never null in JSON.
func list(names []string) []string { return append([]string{}, names...) }

func (l listing) write(out io.Writer, output string, quiet bool) error {
	switch {
	case output == "json":
		return writeJSON(out, l)
	case quiet:
		return l.writeNames(out)
	}
	w := tabwriter.NewWriter(printable{out}, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "KIND\tNAME\tNAMESPACE\tRUNS\tPLACE")
	for _, t := range l.Tasks {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Kind, t.Name, t.Namespace, plan.OneLine(t.Runs), plan.OneLine(t.Origin))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return writeApps(out, l.Apps)
}

// writeNames prints the names of tasks and definitions, each once.
func (l listing) writeNames(out io.Writer) error {
	var b strings.Builder
	seen := map[string]bool{}
	for _, t := range l.Tasks {
		if !seen[t.Name] {
			seen[t.Name] = true
			fmt.Fprintln(&b, t.Name)
		}
	}
	_, err := io.WriteString(printable{out}, b.String())
	return err
}

// writeApps prints each app as a tree: its stages in Keptn's order, and its workloads between them.
func writeApps(out io.Writer, apps []listedApp) error {
	var b strings.Builder
	for _, a := range apps {
		fmt.Fprintf(&b, "\nKeptnApp %s %s (namespace %s)\n├─ pre: %s\n", a.Name, a.Version, a.Namespace, tasks(a.Pre))
		for _, w := range a.Workloads {
			fmt.Fprintf(&b, "├─ %s %s (%s)\n│  ├─ pre: %s\n│  └─ post: %s\n", w.Name, w.Version, w.Object, tasks(w.Pre), tasks(w.Post))
		}
		fmt.Fprintf(&b, "├─ post: %s\n└─ promotion: %s\n", tasks(a.Post), tasks(a.Promotion))
	}
	_, err := io.WriteString(printable{out}, b.String())
	return err
}

func tasks(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ", ")
}

// runs returns what a definition runs: "deno", "python → other" or "container busybox:1.36".
func runs(d *spec.Definition) string {
	switch r := d.Runner.(type) {
	case *spec.Container:
		return "container " + r.Image
	case *spec.Function:
		if len(r.Sources) > 0 {
			if ref, ok := r.Sources[0].(spec.FunctionRef); ok {
				return r.Runtime + " → " + ref.Name
			}
		}
		return r.Runtime
	}
	return ""
}
