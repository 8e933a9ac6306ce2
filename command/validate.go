package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

func (app App) validateCommand() *cli.Command {
	return &cli.Command{
		Name:      "validate",
		Usage:     "check manifests, without an engine",
		ArgsUsage: pathArguments,
		Flags: []cli.Flag{
			namespaceFlag(), keptnNamespaceFlag(), lenientFlag(), trackedFlag(), excludeFlag(), engineFlag(),
			formFlag("text", "json", "github", "sarif"), quietFlag("print only errors"), noColorFlag(),
		},
		Action: app.validate,
	}
}

func (app App) validate(c *cli.Context) error {
	s, files, err := app.input(c)
	if err != nil {
		return err
	}
	form, err := s.choice("output", "text", "text", "json", "github", "sarif")
	if err != nil {
		return err
	}
	namespace, keptn, err := s.namespaces()
	if err != nil {
		return err
	}
	engine, err := s.engineName()
	if err != nil {
		return err
	}
	o := resolve.Options{Namespace: namespace, KeptnNamespace: keptn, Lenient: s.yes("lenient"), OnCluster: engine == "kubernetes", Preview: true}
	m, problems := local.Check(files, o)
	paths, _ := s.paths()
	if problems, err = app.withUntracked(s, files, o, problems); err != nil {
		return err
	}
	problems = s.adapted(problems)
	none := nothingToCheck(m, problems, paths)
	if err := app.printProblems(s, form, files.Files, append(problems, none...)); err != nil {
		return err
	}
	if problems.Err() != nil {
		return exitError{exitUsage, nil}
	}
	if form == "text" && app.ErrTerminal && !s.yes("quiet") && none == nil {
		_, _ = fmt.Fprintln(app.Err, summary(len(files.Files), m, problems))
	}
	return nil
}

func (app App) printProblems(s settings, form string, files []spec.File, problems spec.Problems) error {
	switch form {
	case "json":
		return writeProblemsJSON(app.Out, problems)
	case "github":
		return writeProblemsGitHub(app.Out, problems)
	case "sarif":
		return writeSARIF(app.Out, app.Version, problems)
	}
	if s.yes("quiet") {
		problems = problems.Errors()
	}
	app.printer(s, files).print(problems)
	return nil
}

type problemJSON struct {
	File     string        `json:"file"`
	Line     int           `json:"line"`
	Column   int           `json:"column"`
	Severity spec.Severity `json:"severity"`
	Object   string        `json:"object"`
	Field    string        `json:"field"`
	Rule     string        `json:"rule"`
	Message  string        `json:"message"`
	Remedy   string        `json:"remedy"`
}

func writeProblemsJSON(w io.Writer, problems spec.Problems) error {
	doc := struct {
		Schema   string        `json:"schema"`
		Problems []problemJSON `json:"problems"`
	}{"ktask.dev/problems/v1", []problemJSON{}}
	for _, p := range problems {
		doc.Problems = append(doc.Problems, problemJSON{p.Pos.File, p.Pos.Line, p.Pos.Column, p.Severity, p.Pos.Object, p.Pos.Field, p.Rule, p.Message, p.Remedy})
	}
	return writeJSON(w, doc)
}

// writeJSON writes a document for programs. It escapes what a terminal would interpret.
func writeJSON(w io.Writer, doc any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(doc); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	_, err := w.Write(plan.EscapeJSON(text.Bytes()))
	return err
}

// writeProblemsGitHub writes workflow commands, which GitHub shows at the lines of a pull request.
func writeProblemsGitHub(w io.Writer, problems spec.Problems) error {
	dir := inRepository()
	for _, p := range problems {
		message := p.Named()
		if p.Remedy != "" {
			message += " (" + p.Remedy + ")"
		}
		level := string(p.Severity)
		if p.Severity == spec.Note {
			level = "notice"
		}
		at := plan.Origin{File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Column}
		if _, err := io.WriteString(w, report.Annotation(level, dir, at, p.Rule, plan.Printable(message))); err != nil {
			return err
		}
	}
	return nil
}
