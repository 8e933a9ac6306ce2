package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/plan/export"
	"github.com/ktask/ktask/local"
)

func (app App) planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show exactly what run would do",
		ArgsUsage: pathArguments,
		Flags: append(append(taskFlags(), engineFlags()...), lockedFlag(),
			formFlag("text", "json", "yaml", "docker", "compose", "job"),
			&cli.BoolFlag{Category: groupOutput, Name: "explain", Usage: "show for each value where it comes from"}),
		Action: app.plan,
	}
}

func (app App) plan(c *cli.Context) error {
	s, err := app.settings(c)
	if err != nil {
		return err
	}
	form, err := s.choice("output", "text", "text", "json", "yaml", "docker", "compose", "job")
	if err != nil {
		return err
	}
	o, err := s.taskOptions()
	if err != nil {
		return err
	}
	host, err := s.engineOptions(app)
	if err != nil {
		return err
	}
	o.Node, o.OnCluster = host.Node()
	if o.OnCluster && (form == "docker" || form == "compose") {
		return usagef("-o %s: not with --engine kubernetes: it is for Docker (use -o job, or --engine docker)", form)
	}
	o.Preview, o.WithoutSecrets = true, exported(form)
	if _, given := s.one("semantics"); form == "job" && !given {
		o.Semantics = plan.Cluster
	}
	p, invalid := app.load(s, o, showAll)
	if invalid != nil && len(p.Tasks) == 0 {
		return invalid
	}
	l, err := app.applyLock(c.Context, s, p)
	if err != nil {
		return err
	}
	var absent []string
	if form == "text" && app.OutTerminal && !o.OnCluster { // elsewhere a plan is the same whatever the engine has
		absent = app.absentImages(c.Context, host, l.plan)
	}
	text, err := app.renderPlan(l.plan, form, s.yes("explain"), absent)
	if err != nil {
		return err
	}
	if form != "text" && form != "json" && app.OutTerminal { // those do not have control characters and direction marks as they are
		text = []byte(plan.Printable(string(text)))
	}
	if _, err := app.Out.Write(text); err != nil {
		return err
	}
	return invalid
}

// engineAnswers is how long a plan waits for an engine, which it does not need.
const engineAnswers = time.Second

// absentImages returns the images of a plan that the engine does not have, or nil if that cannot be known.
func (app App) absentImages(ctx context.Context, o local.EngineOptions, p plan.Plan) []string {
	ctx, cancel := context.WithTimeout(ctx, engineAnswers)
	defer cancel()
	o.Notice = nil
	e, err := app.NewEngine(o)
	if err != nil {
		return nil
	}
	defer local.CloseEngine(e)
	finder, ok := e.(engine.ImageFinder)
	if !ok {
		return nil
	}
	absent, known := []string{}, map[string]bool{}
	for _, t := range p.Tasks {
		image := t.Container.Image
		if known[image] {
			continue
		}
		known[image] = true
		_, present, err := finder.FindImage(ctx, image, t.Container.Platform)
		if err != nil {
			return nil
		}
		if !present {
			absent = append(absent, image)
		}
	}
	return absent
}

// exported reports whether a form of a plan is for another tool, which gets the secrets itself.
func exported(form string) bool { return form == "docker" || form == "compose" || form == "job" }

func (app App) renderPlan(p plan.Plan, form string, explain bool, absent []string) ([]byte, error) {
	var text bytes.Buffer
	m := maskOf(p)
	p = masked(p, m)
	if form == "text" {
		p.Warnings = nil // already printed as problems, with their places
		err := p.WriteText(&text, plan.TextOptions{Explain: explain, Width: app.planWidth(explain), Shown: m.String, Absent: absent})
		return text.Bytes(), err
	}
	if exported(form) {
		hideInFiles(p, m)
	}
	switch form {
	case "docker":
		return export.Docker(p), nil
	case "compose":
		return export.Compose(p)
	case "job":
		return export.Job(p)
	}
	compact, err := p.MarshalJSON()
	if err != nil {
		return nil, err
	}
	if form == "yaml" {
		return yaml.JSONToYAML(compact)
	}
	if err := json.Indent(&text, compact, "", "  "); err != nil {
		return nil, fmt.Errorf("indent plan: %w", err)
	}
	return plan.EscapeJSON(text.Bytes()), nil
}

// hideInFiles replaces the secrets in the files of a plan, which must be a copy as masked returns it.
func hideInFiles(p plan.Plan, m *mask.Mask) {
	for i := range p.Tasks {
		c := &p.Tasks[i].Container
		c.Files = slices.Clone(c.Files)
		for i, f := range c.Files {
			c.Files[i].Content = []byte(m.String(string(f.Content)))
		}
	}
}

// planWidth returns the number of columns into which a plan is wrapped, or 0 if it is not: values can then be searched.
func (app App) planWidth(explain bool) int {
	const usual = 80
	if app.OutTerminal && app.Size != nil {
		if columns, _ := app.Size(); columns > 0 {
			return columns
		}
	}
	if app.OutTerminal || explain {
		return usual
	}
	return 0
}

// maskOf returns a mask of the secrets of a plan.
func maskOf(p plan.Plan) *mask.Mask {
	var secrets []plan.Secret
	for _, t := range p.Tasks {
		secrets = append(secrets, t.Container.Secrets()...)
	}
	return mask.NewPlain(secrets)
}

// masked returns the plan without repetitions of its secrets in clear text: a manifest or a flag may contain a secret once
// more. It masks only free text, not names: scripts rely on those, and a secret may be a word like one of them.
func masked(p plan.Plan, m *mask.Mask) plan.Plan {
	texts := func(all []plan.Text) []plan.Text {
		all = slices.Clone(all) // nil stays nil: the image's command or arguments
		for i := range all {
			all[i] = all[i].Shown(m.String)
		}
		return all
	}
	p.Tasks, p.Warnings = slices.Clone(p.Tasks), slices.Clone(p.Warnings)
	for i := range p.Tasks {
		c := &p.Tasks[i].Container
		c.Command, c.Args, c.Env = texts(c.Command), texts(c.Args), slices.Clone(c.Env)
		for i := range c.Env {
			c.Env[i].Value = c.Env[i].Value.Shown(m.String)
		}
	}
	for i := range p.Warnings {
		p.Warnings[i].Message = m.String(p.Warnings[i].Message)
	}
	return p
}
