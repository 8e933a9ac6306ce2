package command

import (
	"fmt"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/spec"
)

func (app App) listCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list the tasks in these manifests",
		ArgsUsage: "PATH...",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "namespace", Aliases: []string{"n"}, Usage: "the namespace of manifests that name none", DefaultText: defaultNamespace},
			&cli.BoolFlag{Name: "lenient", Usage: "warn of unknown fields and what cannot be honoured, instead of stopping"},
		},
		Action: app.list,
	}
}

func (app App) list(c *cli.Context) error {
	s, err := newSettings(c)
	if err != nil {
		return err
	}
	paths, err := s.paths()
	if err != nil {
		return err
	}
	files, err := app.read(paths)
	if err != nil {
		return err
	}
	m, problems := spec.Load(files, spec.Options{Namespace: s.text("namespace", defaultNamespace), Lenient: s.yes("lenient")})
	app.printer(s, files).print(problems)
	if len(problems.Errors()) > 0 {
		return exitError{exitUsage, nil}
	}
	w := tabwriter.NewWriter(app.Out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "KIND\tNAME\tNAMESPACE\tRUNS\tPLACE")
	for _, t := range m.Tasks {
		_, _ = fmt.Fprintf(w, "KeptnTask\t%s\t%s\t%s\t%s:%d\n", t.Name, t.Namespace, t.Definition.Value, t.Pos.File, t.Pos.Line)
	}
	for _, d := range m.Definitions {
		_, _ = fmt.Fprintf(w, "KeptnTaskDefinition\t%s\t%s\t%s\t%s:%d\n", d.Name, d.Namespace, runs(d), d.Pos.File, d.Pos.Line)
	}
	return w.Flush()
}

// runs says what a definition runs: "deno", "python → other" or "container busybox:1.36".
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
