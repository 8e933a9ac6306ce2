package resolve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// serviceAddress matches the name of a Service as the DNS of a cluster has it: web.shop.svc.cluster.local, or web.shop.svc.
var serviceAddress = regexp.MustCompile(`(?i)\b([a-z0-9-]+(?:\.[a-z0-9-]+)+\.svc(?:\.cluster\.local)?)(?:[^a-z0-9.-]|\.?$)`)

// warnAddresses warns of names that only the DNS of a cluster knows, in what a task gets from manifests. With --network, another
// DNS may know them.
func (b *builder) warnAddresses() {
	if b.options.Network != "" {
		return
	}
	c := &b.out.Container
	for _, e := range c.Env {
		switch {
		case len(e.Value.Secrets()) > 0, e.Name == "KEPTN_CONTEXT":
		case e.Name == "DATA" && len(e.Parts) > 0:
			var values map[string]string
			_ = json.Unmarshal([]byte(e.Value.String()), &values) // --env may set anything
			for _, p := range e.Parts {
				b.warnAddress(values[p.Name], p.Origin, "--param "+p.Name+"=VALUE", "parameter %q", p.Name)
			}
		case e.Name == "SCRIPT":
			b.warnAddress(e.Value.String(), e.Origin, "--network NAME", "the URL of the script")
		default:
			b.warnAddress(e.Value.String(), e.Origin, "--env "+e.Name+"=VALUE", "variable %s", e.Name)
		}
	}
	for _, p := range c.Origins {
		for _, text := range map[string][]plan.Text{"command": c.Command, "args": c.Args}[p.Name] {
			if len(text.Secrets()) == 0 {
				b.warnAddress(text.String(), p.Origin, "--network NAME", "%s", p.Name)
			}
		}
	}
	for _, f := range c.Files {
		if !bytes.Contains(f.Content, []byte(".svc")) {
			continue // many tasks may share a long script
		}
		b.warnAddress(string(f.Content), f.Origin, "--network NAME", "the script")
	}
}

// warnAddress warns of the first name of a Service in a text from a manifest.
func (b *builder) warnAddress(text string, from plan.Origin, flag, what string, args ...any) {
	m := serviceAddress.FindStringSubmatch(text)
	if m == nil || from.Line == 0 || from.Source != "" {
		return
	}
	remedy := "join a network that knows the name with --network NAME"
	if flag != "--network NAME" {
		remedy = "pass another value with " + flag + ", or " + remedy
	}
	b.warn(spec.Pos{File: from.File, Line: from.Line, Column: from.Column, Field: from.Field}, "cluster-address", remedy,
		"%s of %q names %s, a Service that only a cluster knows", fmt.Sprintf(what, args...), b.definition.Name, m[1])
}
