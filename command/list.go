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
		Name:      "list",
		Usage:     "list the tasks in these manifests, and the apps with their stages",
		ArgsUsage: pathArguments,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "namespace", Aliases: []string{"n"}, Usage: "the namespace of manifests that name none", DefaultText: local.DefaultNamespace},
			&cli.BoolFlag{Name: "lenient", Usage: "only warn of unknown fields and of what is not supported"},
			trackedFlag(),
		},
		Action: app.list,
	}
}

func (app App) list(c *cli.Context) error {
	s, read, err := app.input(c)
	if err != nil {
		return err
	}
	namespace, err := s.namespace("namespace", local.DefaultNamespace)
	if err != nil {
		return err
	}
	files := read.Files
	m, problems, _ := spec.Load(files, spec.Options{Namespace: namespace, Lenient: s.yes("lenient")}) // its error is one of the problems
	apps, more := resolve.Apps(m, resolve.Options{Namespace: namespace, KeptnNamespace: local.DefaultKeptnNamespace})
	problems = slices.Concat(problems, read.NotRead, more)
	app.printer(s, files).print(s.adapted(problems))
	if err := writeObjects(app.Out, m); err != nil {
		return err
	}
	if err := writeApps(app.Out, apps); err != nil {
		return err
	}
	if problems.Err() != nil {
		return exitError{exitUsage, nil}
	}
	return nil
}

func writeObjects(out io.Writer, m spec.Manifests) error {
	w := tabwriter.NewWriter(printable{out}, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "KIND\tNAME\tNAMESPACE\tRUNS\tPLACE")
	for _, t := range m.Tasks {
		_, _ = fmt.Fprintf(w, "KeptnTask\t%s\t%s\t%s\t%s:%d\n", t.Name, t.Namespace, t.Definition.Value, plan.OneLine(t.Pos.File), t.Pos.Line)
	}
	for _, d := range m.Definitions {
		_, _ = fmt.Fprintf(w, "KeptnTaskDefinition\t%s\t%s\t%s\t%s:%d\n", d.Name, d.Namespace, plan.OneLine(runs(d)), plan.OneLine(d.Pos.File), d.Pos.Line)
	}
	return w.Flush()
}

// writeApps prints each app as a tree: its stages in Keptn's order, and its workloads between them.
func writeApps(out io.Writer, apps []resolve.AppTree) error {
	var b strings.Builder
	for _, a := range apps {
		fmt.Fprintf(&b, "\nKeptnApp %s %s (namespace %s)\n├─ pre: %s\n", a.Name, a.Version, a.Namespace, tasks(a.Pre))
		for _, w := range a.Workloads {
			fmt.Fprintf(&b, "├─ %s %s (%s)\n│  ├─ pre: %s\n│  └─ post: %s\n", w.Name, w.Version, w.Source, tasks(w.Pre), tasks(w.Post))
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
