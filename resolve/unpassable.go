package resolve

import (
	"fmt"
	"slices"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// encodeIt is the remedy for a value that cannot be passed to a process.
const encodeIt = "encode it, for example in base64, or pass a file with --mount"

// checkFlags reports flags with values that cannot be passed to a process. It checks them before they are encoded as JSON, like the
// parameters in DATA, because the encoder replaces what is not UTF-8.
func checkFlags(c *collector, o Options) {
	for _, flag := range slices.Concat(o.Params, o.Env, o.Context) {
		if flaw := plan.FlawOf(flag.Key + flag.Value); flaw != (plan.Flaw{}) {
			c.fail(spec.Pos{}, flaw.Rule, encodeIt, "%s %q %s", flag.Origin, flag.Key, flaw.Message)
		}
	}
}

// checkText reports a value that cannot be passed to a process.
func (b *builder) checkText(t plan.Text, what string) {
	if flaw := t.Flaw(); flaw != (plan.Flaw{}) {
		b.fail(b.meta().Pos, flaw.Rule, encodeIt, "task %q: %s %s", b.name(), what, flaw.Message)
	}
	if t.Len() > maxText {
		b.fail(b.meta().Pos, "value-too-long", "pass it as a file", "task %q: %s is longer than 128 KiB, the limit of Linux", b.name(), what)
	}
}

// checkNames reports the names and paths of the container that cannot be passed to an engine.
func (b *builder) checkNames() {
	c := b.out.Container
	check := func(what, text string, from plan.Origin) {
		if flaw := plan.FlawOf(text); flaw != (plan.Flaw{}) {
			if from.Known() {
				what += fmt.Sprintf(" (%s)", from)
			}
			b.fail(b.meta().Pos, flaw.Rule, "use UTF-8 without NUL bytes", "task %q: %s %s", b.name(), what, flaw.Message)
		}
	}
	check("the image", c.Image, c.ImageOrigin)
	check("the platform", c.Platform, plan.Flag("platform"))
	check("the network", c.Network, plan.Flag("network"))
	check("the compose project", c.Compose, plan.Flag("compose"))
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
