package command

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

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
	Settings    string                `json:"settings"` // the file of settings that counts here, or ""
	Engine      any                   `json:"engine"`   // null if there is none
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
	if s.project.base != "" {
		f.Settings = s.project.name()
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
	if x.Cluster != nil {
		f.Engine = x.Cluster
	}
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

// size returns the processors and the memory of the engine's machine, if they are known.
func (f findings) size() string {
	if f.x.Facts.CPUs == 0 || f.x.Facts.MemoryBytes == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %.1f GiB memory", counted(f.x.Facts.CPUs, "CPU"), float64(f.x.Facts.MemoryBytes)/(1<<30))
}

// check is a line of doctor: what was checked, and what was found.
type check struct{ mark, title, text string }

// The marks of checks: good, worth knowing, and bad.
const good, note, bad = "✓", "!", "✗"

// mostSkew is how far the engine's clock may be from this machine's before doctor says so.
const mostSkew = 2 * time.Second

// print prints the findings, a line for each.
func (f findings) print(w io.Writer) error {
	last := ""
	for _, c := range f.checks() {
		title := c.title
		if title == last {
			title = ""
		}
		last = c.title
		if _, err := fmt.Fprintf(w, "%s %-12s %s\n", c.mark, title, plan.OneLine(c.text)); err != nil {
			return err
		}
	}
	return nil
}

func (f findings) checks() []check {
	x := f.x
	if x.Cluster != nil {
		return f.clusterChecks(*x.Cluster)
	}
	var all []check
	if f.OK {
		all = append(all, check{good, "engine", fmt.Sprintf("%s %s at %s", x.Facts.Name, x.Facts.Version, x.Facts.Host)}, check{good, "engine", f.machine()})
	} else {
		all = append(all, check{bad, "engine", "none that can be used"})
	}
	for _, t := range f.Tried {
		mark := good
		if t.Answer != "ok" {
			mark = bad
			if f.OK {
				mark = note
			}
		}
		all = append(all, check{mark, "tried", fmt.Sprintf("%s (%s): %s", t.Host, t.Of, t.Answer)})
	}
	settings := "no " + configFile
	if f.Settings != "" {
		settings = f.Settings + " (`ktask config` shows them)"
	}
	all = append(all, check{good, "settings", settings})
	for _, image := range x.Images {
		if image.Present {
			all = append(all, check{good, "images", image.Ref + ": on the engine"})
		} else {
			all = append(all, check{note, "images", image.Ref + ": not on the engine, pulled when a task needs it (`ktask images build` builds ktask's own)"})
		}
	}
	all = append(all, f.credentials()...)
	if !f.OK {
		return all
	}
	if skew := time.Duration(x.Facts.ClockAheadMs) * time.Millisecond; skew.Abs() > mostSkew {
		all = append(all, check{note, "clock", fmt.Sprintf("the engine's is %v %s this machine's (set both by NTP)", skew.Abs().Round(time.Second), map[bool]string{true: "ahead of", false: "behind"}[skew > 0])})
	}
	return append(append(all, f.left()...), f.degraded()...)
}

// machine returns the line about the engine's machine.
func (f findings) machine() string {
	facts := f.x.Facts
	parts := []string{"API " + facts.API, facts.System, facts.OS + "/" + facts.Architecture, f.size(), "cgroups " + facts.Cgroup, "storage " + facts.Storage}
	if facts.Rootless {
		parts = append(parts, "rootless")
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ", ")
}

func (f findings) credentials() []check {
	var all []check
	for _, c := range f.Credentials {
		mark, text := good, fmt.Sprintf("%s: %s", c.Source, cmp.Or(strings.Join(c.Registries, ", "), "whatever it has"))
		if c.Problem != "" {
			mark, text = note, fmt.Sprintf("%s: %s", c.Source, c.Problem)
		}
		all = append(all, check{mark, "credentials", text})
	}
	if all == nil {
		all = []check{{good, "credentials", "none: only public images can be pulled"}}
	}
	return all
}

// left returns the lines about ktask's containers and volumes on the engine.
func (f findings) left() []check {
	var all []check
	for _, group := range []struct {
		n          int
		mark, text string
	}{
		{f.Left.Dead, note, "of dead runs: the next run or `ktask clean` removes them"},
		{f.Left.Kept, note, "kept: `ktask clean` removes them"},
		{f.Left.InUse, good, "of runs at work on this machine"},
		{f.Left.Prepared, good, "prepared by --warm for the next run: `ktask clean` removes them"},
		{f.Left.Unknown, note, "of runs elsewhere: `ktask clean --all` removes them, whether in use or not"},
	} {
		if group.n > 0 {
			all = append(all, check{group.mark, "left behind", fmt.Sprintf("%d %s", group.n, group.text)})
		}
	}
	if all == nil {
		all = []check{{good, "left behind", "nothing"}}
	}
	return all
}

func (f findings) degraded() []check {
	var all []check
	for _, l := range f.x.Facts.Lacks {
		all = append(all, check{note, "degraded", fmt.Sprintf("%s: %s (%s)", l.Feature, l.Effect, l.Remedy)})
	}
	if all == nil {
		all = []check{{good, "degraded", "nothing"}}
	}
	return all
}
