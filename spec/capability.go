package spec

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/spec/internal/api"
)

// capabilities checks names of capabilities. As in container runtimes, they have any case, and CAP_ as an optional prefix.
func (c containerCheck) capabilities(names []corev1.Capability, field string) {
	known := map[string]bool{}
	for _, name := range api.Capabilities() {
		known[name] = true
	}
	for s, name := range sound(c.loader, c.s.sub("capabilities", field), names) {
		short, long := strings.CutPrefix(strings.ToUpper(string(name)), "CAP_")
		if !known[short] || long && short == "ALL" {
			c.fail(s.At(), "invalid-value", DidYouMean(short, api.Capabilities()), "there is no capability %q", string(name))
		}
	}
}
