package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/runtimes"
)

func (app App) doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "check engine, images and credentials, and say how to mend them",
		Description: "Finds the engine as `ktask run` does, and starts and changes nothing. Exits with 0 if tasks can run there, and with 3 if\n" +
			"not. Values of credentials are not shown.",
		Flags: append(engineFlags(),
			denoImageFlag(), pythonImageFlag(), formFlag("text", "json")),
		Action: app.doctor,
	}
}

func (app App) doctor(c *cli.Context) error {
	s, err := app.settings(c)
	if err != nil {
		return err
	}
	output, err := s.choice("output", "text", "text", "json")
	if err != nil {
		return err
	}
	if len(s.args) > 0 {
		return usagef("doctor takes no arguments, not %q", s.args[0])
	}
	if err := s.runtimeImages(); err != nil {
		return err
	}
	o := local.Options{Runs: local.UserRuns()}
	if o.EngineOptions, err = s.engineOptions(app); err != nil {
		return err
	}
	if output == "json" {
		o.EngineOptions.Notice = nil // the document has what is passed over
	}
	deno, _ := runtimes.ByName(plan.RuntimeDeno)
	python, _ := runtimes.ByName(plan.RuntimePython)
	found := newFindings(s, local.Examine(c.Context, o, s.text("deno-image", deno.Image), s.text("python-image", python.Image)))
	if output == "json" {
		err = writeJSON(app.Out, found)
	} else {
		err = found.print(printable{app.Out})
	}
	switch {
	case err != nil:
		return exitError{exitEngine, err}
	case !found.OK:
		return exitError{exitEngine, found.err}
	}
	return nil
}

// findings is the document of doctor.
type findings struct {
	Schema string `json:"schema"`
	// OK is true if tasks can run.
	OK          bool                  `json:"ok"`
	Error       string                `json:"error"`
	Remedy      string                `json:"remedy"`
	Tried       []tried               `json:"tried"`
	Engine      any                   `json:"engine"` // null if there is none
	Images      []local.ExaminedImage `json:"images"`
	Credentials []credentials         `json:"credentials"`
	Left        local.Leftovers       `json:"leftovers"`

	x   local.Examination
	err error
}

// tried is a place where an engine was looked for.
type tried struct {
	Host   string `json:"host"`
	Of     string `json:"of"`
	Answer string `json:"answer"`
}

// credentials is a source of credentials.
type credentials struct {
	Source     string   `json:"source"`
	Registries []string `json:"registries"`
	Problem    string   `json:"problem"`
}

func newFindings(s settings, x local.Examination) findings {
	f := findings{
		Schema: "ktask.dev/doctor/v1", OK: x.Err == nil, Tried: []tried{}, Images: append([]local.ExaminedImage{}, x.Images...),
		Credentials: []credentials{}, Left: x.Left, x: x, err: x.Err,
	}
	for _, t := range x.Tried {
		f.Tried = append(f.Tried, tried{t.Host, s.namer(t.Of), t.Answer()})
	}
	for _, c := range x.Credentials {
		f.Credentials = append(f.Credentials, credentials{c.Source, c.Registries, c.Problem})
	}
	if x.CredentialsErr != nil {
		f.Credentials = append(f.Credentials, credentials{"none", []string{}, x.CredentialsErr.Error()})
	}
	if x.Err != nil {
		f.Error = x.Err.Error()
		if e, ok := errors.AsType[*engine.Error](x.Err); ok {
			f.Remedy = report.Remedy(e.Remedy)
		}
		return f
	}
	f.Engine = x.Facts
	return f
}

// namer returns the flag, variable or file that has named the engine, or the kind of a usual socket.
func (s settings) namer(by string) string {
	switch by {
	case "Host":
		return "--host"
	case "Context":
		return "--docker-context"
	case "DOCKER_HOST", "DOCKER_CONTEXT":
		if os.Getenv(by) == "" {
			return configFile
		}
	}
	return cmp.Or(by, "default")
}

// print prints the findings as lines.
func (f findings) print(w io.Writer) error {
	var lines [][2]string
	add := func(title string, text ...string) {
		for _, line := range text {
			lines = append(lines, [2]string{title, line})
			title = ""
		}
	}
	x := f.x
	if f.OK {
		add("engine", fmt.Sprintf("%s %s at %s", x.Facts.Name, x.Facts.Version, x.Facts.Host), f.machine())
	} else {
		add("engine", "none that can be used")
	}
	var places []string
	for _, t := range f.Tried {
		places = append(places, fmt.Sprintf("%s (%s): %s", t.Host, t.Of, t.Answer))
	}
	add("tried", places...)
	for i, image := range x.Images {
		there := "on the engine"
		if !image.Present {
			there = "not on the engine, pulled when a task needs it (`ktask images build` builds ktask's own)"
		}
		add([]string{"images", ""}[min(i, 1)], fmt.Sprintf("%s: %s", image.Ref, there))
	}
	add("credentials", f.credentials()...)
	if f.OK {
		add("left behind", f.left()...)
		add("degraded", f.degraded()...)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "%-12s %s\n", line[0], plan.OneLine(line[1])); err != nil {
			return err
		}
	}
	return nil
}

// machine returns the line about the engine's machine.
func (f findings) machine() string {
	facts := f.x.Facts
	parts := []string{"API " + facts.API, facts.System, facts.OS + "/" + facts.Architecture, "cgroups " + facts.Cgroup, "storage " + facts.Storage}
	if facts.Rootless {
		parts = append(parts, "rootless")
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

func (f findings) credentials() []string {
	var lines []string
	for _, c := range f.Credentials {
		line := fmt.Sprintf("%s: %s", c.Source, cmp.Or(strings.Join(c.Registries, ", "), "whatever it has"))
		if c.Problem != "" {
			line = fmt.Sprintf("%s: %s", c.Source, c.Problem)
		}
		lines = append(lines, line)
	}
	if lines == nil {
		lines = []string{"none: only public images can be pulled"}
	}
	return lines
}

// left returns the lines about ktask's containers and volumes on the engine.
func (f findings) left() []string {
	var lines []string
	for _, group := range []struct {
		n    int
		text string
	}{
		{f.Left.Dead, "of dead runs: the next run or `ktask clean` removes them"},
		{f.Left.Kept, "kept: `ktask clean` removes them"},
		{f.Left.InUse, "of runs at work on this machine"},
		{f.Left.Prepared, "prepared by --warm for the next run: `ktask clean` removes them"},
		{f.Left.Unknown, "of runs elsewhere: `ktask clean --all` removes them, whether in use or not"},
	} {
		if group.n > 0 {
			lines = append(lines, fmt.Sprintf("%d %s", group.n, group.text))
		}
	}
	if lines == nil {
		lines = []string{"nothing"}
	}
	return lines
}

func (f findings) degraded() []string {
	lines := []string{}
	for _, l := range f.x.Facts.Lacks {
		lines = append(lines, fmt.Sprintf("%s: %s (%s)", l.Feature, l.Effect, l.Remedy))
	}
	if len(lines) == 0 {
		lines = []string{"nothing"}
	}
	return lines
}
