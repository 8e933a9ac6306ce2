package resolve

import (
	"fmt"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// givenWords reports flags with values that cannot be passed to a process. It checks them before they are encoded as JSON, like the
// parameters in DATA, because the encoder replaces what is not UTF-8.
func (r *resolver) givenWords() {
	for _, flags := range [][]Override{r.options.Params, r.options.Env, r.options.Context} {
		for _, o := range flags {
			if flaw := plan.FlawOf(o.Key + o.Value); flaw != (plan.Flaw{}) {
				r.fail(spec.Pos{}, flaw.Rule, encodeIt, "%s %q %s", o.Origin, o.Key, flaw.Message)
			}
		}
	}
}

// words reports the names and paths of a container that cannot be passed to an engine. Command, arguments and variables are checked
// elsewhere.
func (r *resolver) words(u use, c plan.Container) {
	check := func(what, text string, from plan.Origin) {
		if flaw := plan.FlawOf(text); flaw != (plan.Flaw{}) {
			if from.Known() {
				what += fmt.Sprintf(" (%s)", from)
			}
			r.fail(u.meta().Pos, flaw.Rule, "use UTF-8 without NUL bytes", "task %q: %s %s", u.name(), what, flaw.Message)
		}
	}
	check("the image", c.Image, c.ImageOrigin)
	check("the platform", c.Platform, plan.Flag("platform"))
	check("the network", c.Network, plan.Flag("network"))
	check("workingDir", c.WorkingDir, c.Origin("workingDir"))
	check("terminationMessagePath", c.TerminationMessage.Path, c.Origin("terminationMessagePath"))
	for _, m := range c.Tmpfs {
		check("the path of a volume", m.Path, m.Origin)
		check("the subPath of a volume", m.SubPath, m.Origin)
	}
	for _, m := range c.Mounts {
		check("a mount", m.Source, m.Origin)
		check("a mount", m.Target, m.Origin)
	}
	for _, e := range c.Env {
		check("the name of a variable", e.Name, e.Origin)
	}
}
