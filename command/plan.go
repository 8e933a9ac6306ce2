package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/urfave/cli/v2"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

func (app App) planCommand() *cli.Command {
	return &cli.Command{
		Name:      "plan",
		Usage:     "show exactly what run would do",
		ArgsUsage: "PATH...",
		Flags: append(taskFlags(),
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
	o.Node = node(host)
	p, err := app.load(s, o, tellAll)
	if err != nil {
		return err
	}
	text, err := renderPlan(p, form, s.yes("explain"))
	if err != nil {
		return err
	}
	_, err = app.Out.Write(text)
	return err
}

func renderPlan(p plan.Plan, form string, explain bool) ([]byte, error) {
	var text bytes.Buffer
	if form == "text" {
		p.Warnings = nil // printed as problems already, with their places
		err := p.WriteText(&text, explain)
		return []byte(planMask(p).String(text.String())), err
	}
	compact, err := p.MarshalJSON()
	if err != nil {
		return nil, err
	}
	compact = maskStrings(planMask(p), compact)
	if form == "yaml" {
		return yaml.JSONToYAML(compact)
	}
	if err := json.Indent(&text, compact, "", "  "); err != nil {
		return nil, fmt.Errorf("indent plan: %w", err)
	}
	return text.Bytes(), nil
}

// planMask finds the secrets of a plan where a manifest or a flag has them in clear text once more.
func planMask(p plan.Plan) *engine.Mask {
	var all []plan.Secret
	for _, t := range p.Tasks {
		all = append(all, t.Container.Secrets()...)
	}
	return engine.NewMask(all)
}

// jsonString is a string of compact JSON, as a key with its colon.
var jsonString = regexp.MustCompile(`"(?:[^"\\]|\\.)*":?`)

// maskStrings masks the strings of a JSON document, and leaves its keys alone: a secret may be a word like "name".
func maskStrings(mask *engine.Mask, compact []byte) []byte {
	return jsonString.ReplaceAllFunc(compact, func(text []byte) []byte {
		if text[len(text)-1] == ':' {
			return text
		}
		return []byte(`"` + mask.String(string(text[1:len(text)-1])) + `"`)
	})
}
