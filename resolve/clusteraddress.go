package resolve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// serviceAddress matches the name of a Service as the DNS of a cluster has it: web.shop.svc.cluster.local, or web.shop.svc.
var serviceAddress = regexp.MustCompile(`(?i)\b([a-z0-9-]+(?:\.[a-z0-9-]+)+\.svc(?:\.cluster\.local)?)(?:[^a-z0-9.-]|\.?$)`)

// addresses holds the Services of the manifests, and the places of names of Services that were reported.
type addresses struct {
	services map[key]bool
	reported map[spec.Pos]bool
}

func newAddresses(services []spec.ServiceName) addresses {
	a := addresses{services: map[key]bool{}, reported: map[spec.Pos]bool{}}
	for _, s := range services {
		a.services[key{s.Namespace, s.Name}] = true
	}
	return a
}

// find returns the first name of a Service in a text that a task of a namespace gets, or "".
func (a addresses) find(text, namespace string) string {
	if strings.Contains(text, ".svc") { // many tasks may share a long script
		if m := serviceAddress.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	if len(a.services) == 0 {
		return ""
	}
	for {
		_, after, found := strings.Cut(text, "://")
		if !found {
			return ""
		}
		if host := hostOf(after); a.isService(host, namespace) {
			return host
		}
		text = after
	}
}

// isService reports whether a host is a short name of a Service: web in its own namespace, or web.shop.
func (a addresses) isService(host, namespace string) bool {
	name, of, qualified := strings.Cut(strings.ToLower(host), ".")
	if !qualified {
		of = namespace
	}
	return a.services[key{of, name}]
}

// hostOf returns the host of a URL, given what follows "://" in a text.
func hostOf(after string) string {
	const longest = 500 // a name has up to 253 bytes, and a user may precede it
	after = after[:min(len(after), longest)]
	if i := strings.IndexAny(after, "/?#,;'\"`\\<>()[]{} \t\r\n"); i >= 0 {
		after = after[:i]
	}
	host, _, _ := strings.Cut(after[strings.LastIndex(after, "@")+1:], ":")
	return host
}

// warnAddresses warns of names that only the DNS of a cluster knows, in what a task gets from manifests. With --network, another
// DNS may know them, and on a cluster its own does. See "Addresses of Services" in docs/fidelity.md.
func (b *builder) warnAddresses() {
	if b.options.OnCluster || b.options.Network != "" || b.options.Compose != "" {
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
		if bytes.Contains(f.Content, []byte(".svc")) || bytes.Contains(f.Content, []byte("://")) {
			b.warnAddress(string(f.Content), f.Origin, "--network NAME", "the script")
		}
	}
}

// warnAddress warns of the first name of a Service in a text from a manifest, once a line: tasks share definitions and ConfigMaps.
func (b *builder) warnAddress(text string, from plan.Origin, flag, what string, args ...any) {
	line := spec.Pos{File: from.File, Line: from.Line}
	if from.Line == 0 || from.Source != "" || b.addresses.reported[line] {
		return
	}
	name := b.addresses.find(text, b.out.Namespace)
	if name == "" {
		return
	}
	b.addresses.reported[line] = true
	remedy := "join a network that knows the name with --network NAME"
	if flag != "--network NAME" {
		remedy = "pass another value with " + flag + ", or " + remedy
	}
	b.warn(spec.Pos{File: from.File, Line: from.Line, Column: from.Column, Field: from.Field}, "cluster-address", remedy,
		"%s of %q names %s, a Service that only a cluster knows", fmt.Sprintf(what, args...), b.definition.Name, name)
}
