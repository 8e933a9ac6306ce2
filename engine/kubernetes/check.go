package kubernetes

import (
	"context"
	"fmt"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Check returns an error if the cluster does not answer, or if a container of the plan asks for something that only an engine on the
// user's machine has.
func (e *Engine) Check(ctx context.Context, p plan.Plan) error {
	for _, t := range p.Tasks {
		c := t.Container
		what := ""
		switch {
		case len(c.Mounts) > 0:
			what = fmt.Sprintf("mounts %q of this machine", c.Mounts[0].Source)
		case c.Network != "" || c.Compose != "":
			what = fmt.Sprintf("joins the network %q of Docker", c.Network+c.Compose)
		case c.Platform != "":
			what = fmt.Sprintf("asks for the platform %q: its nodes choose", c.Platform)
		default:
			continue
		}
		return &engine.Error{
			Reason: engine.EngineRefused, Err: fmt.Errorf("task %q %s, which a cluster does not have", t.Name, what),
			Remedy: engine.Remedy{Text: "leave it out, or use another engine"},
		}
	}
	_, err := e.Describe(ctx)
	return err
}
