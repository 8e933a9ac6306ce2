package resolve

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/spec"
)

// The names of Options.Allow. Each allows fields or flags that give a container access to the machine of its engine.
const (
	allowPrivileged   = "privileged"
	allowCapabilities = "capabilities"
	allowUnmaskedProc = "unmasked-proc"
	allowUnconfined   = "unconfined"
	allowHostNetwork  = "host-network"
	allowAll          = "all"
)

// Allowances returns the valid names of Options.Allow.
func Allowances() []string {
	return []string{allowPrivileged, allowCapabilities, allowUnmaskedProc, allowUnconfined, allowHostNetwork, allowAll}
}

// defaultCapabilities returns the capabilities that Docker gives every container (moby's oci/caps/defaults.go).
var defaultCapabilities = []string{
	"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
	"NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
}

// checkSecurity reports the fields that give a container access to the machine.
func checkSecurity(r *resolver, c *spec.Container) {
	s := c.SecurityContext
	if s == nil {
		return
	}
	at := func(steps ...any) spec.Pos { return c.At(append([]any{"securityContext"}, steps...)...) }
	if isTrue(s.Privileged) {
		r.needs(allowPrivileged, at("privileged"), "privileged: the task could take over the engine's machine")
	}
	if k := s.Capabilities; k != nil {
		for i, name := range k.Add {
			if short := strings.TrimPrefix(strings.ToUpper(string(name)), "CAP_"); !slices.Contains(defaultCapabilities, short) {
				r.needs(allowCapabilities, at("capabilities", "add", i),
					"capability "+short+", which no container has by default: the task could use it on the engine's machine, or to take it over")
			}
		}
	}
	if s.ProcMount != nil && *s.ProcMount == corev1.UnmaskedProcMount {
		r.needs(allowUnmaskedProc, at("procMount"), "procMount Unmasked: the task could read and change settings of the kernel of the engine's machine")
	}
	if p := s.SeccompProfile; p != nil && p.Type == corev1.SeccompProfileTypeUnconfined {
		r.needs(allowUnconfined, at("seccompProfile", "type"),
			"seccompProfile Unconfined: the task could make system calls that are kept from containers, and use a flaw of the kernel to take over the engine's machine")
	}
}

// checkNetwork reports a --network that may be that of the machine, or is one of two.
func checkNetwork(r *resolver) {
	switch network := r.options.Network; {
	case network != "" && r.options.Compose != "":
		r.add(spec.Error, spec.Pos{}, "two-networks", "give one of them", "--network %s and --compose %s name two networks", network, r.options.Compose)
	case network == "host":
		r.needs(allowHostNetwork, spec.Pos{}, "--network host: the tasks could reach what listens on the engine's machine for itself alone, and take its ports")
	case strings.Contains(network, ":"): // container:NAME, and podman's ns:PATH
		r.needs(allowHostNetwork, spec.Pos{}, "--network "+network+": the tasks could have the network of the engine's machine, if what is named has it")
	}
}

// needs reports what a task may do only with --allow.
func (r *resolver) needs(name string, at spec.Pos, what string) {
	if slices.Contains(r.options.Allow, name) || slices.Contains(r.options.Allow, allowAll) {
		return
	}
	severity, remedy := spec.Error, "allow it with --allow "+name
	if r.options.Preview {
		severity, remedy = spec.Warning, "ktask run needs --allow "+name
	}
	r.add(severity, at, "needs-allow", remedy, "%s", what)
}
