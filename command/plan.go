package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
)

func (app App) planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show exactly what run would do",
		ArgsUsage: pathArguments,
		Flags: append(taskFlags(), lockedFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "text, json or yaml", DefaultText: "text"},
			&cli.BoolFlag{Name: "explain", Usage: "show for each value where it comes from"}),
		Action: app.plan,
	}
}

func (app App) plan(c *cli.Context) error {
	s, err := app.settings(c)
	if err != nil {
		return err
	}
	form, err := s.choice("output", "text", "text", "json", "yaml")
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
	o.Node, o.Preview = host.Node(), true
	p, invalid := app.load(s, o, showAll)
	if invalid != nil && len(p.Tasks) == 0 {
		return invalid
	}
	l, err := app.applyLock(c.Context, s, p)
	if err != nil {
		return err
	}
	text, err := app.renderPlan(l.plan, form, s.yes("explain"))
	if err != nil {
		return err
	}
	if form == "yaml" && app.OutTerminal { // the encoder does not escape direction marks
		text = []byte(plan.Printable(string(text)))
	}
	if _, err := app.Out.Write(text); err != nil {
		return err
	}
	return invalid
}

func (app App) renderPlan(p plan.Plan, form string, explain bool) ([]byte, error) {
	var text bytes.Buffer
	m := maskOf(p)
	p = masked(p, m)
	if form == "text" {
		p.Warnings = nil // already printed as problems, with their places
		err := p.WriteText(&text, plan.TextOptions{Explain: explain, Width: app.planWidth(explain), Shown: m.String})
		return text.Bytes(), err
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

// planWidth returns the number of columns into which a plan is wrapped, or 0 if it is not: values can then be searched.
func (app App) planWidth(explain bool) int {
	const usual = 80
	switch {
	case app.OutTerminal && app.Width > 0:
		return app.Width
	case app.OutTerminal || explain:
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
