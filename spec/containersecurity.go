package spec

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/spec/internal/api"
)

// checkSecurity checks the securityContext like validateSecurityContext in k8s.io/kubernetes pkg/apis/core/validation.
func checkSecurity(p part, context *corev1.SecurityContext) {
	if context == nil {
		return
	}
	checkID(p.in("runAsUser"), context.RunAsUser)
	checkID(p.in("runAsGroup"), context.RunAsGroup)
	if isTrue(context.RunAsNonRoot) && context.RunAsUser != nil && *context.RunAsUser == 0 {
		p.fail(p.At("runAsUser"), "conflict", "", "runAsNonRoot refuses to start runAsUser 0, which is root")
	}
	k := context.Capabilities
	if context.AllowPrivilegeEscalation != nil && !*context.AllowPrivilegeEscalation {
		if isTrue(context.Privileged) {
			p.fail(p.At("allowPrivilegeEscalation"), "conflict", "keep one of them", "privileged excludes allowPrivilegeEscalation: false")
		}
		if k != nil && slices.Contains(k.Add, "CAP_SYS_ADMIN") { // the API server does not check SYS_ADMIN here
			p.fail(p.At("allowPrivilegeEscalation"), "conflict", "keep one of them", "capability CAP_SYS_ADMIN excludes allowPrivilegeEscalation: false")
		}
	}
	if k != nil {
		checkCapabilities(p.in("capabilities", "add"), k.Add)
		checkCapabilities(p.in("capabilities", "drop"), k.Drop)
	}
	p.oneOf(stringOf(context.ProcMount), []string{string(corev1.DefaultProcMount), string(corev1.UnmaskedProcMount)}, "procMount")
	if profile := context.SeccompProfile; profile != nil {
		// An empty localhostProfile is valid only here.
		checkProfile(p.in("seccompProfile"), string(profile.Type), profile.LocalhostProfile != nil)
	}
	if profile := context.AppArmorProfile; profile != nil {
		s := p.in("appArmorProfile")
		checkProfile(s, string(profile.Type), stringOf(profile.LocalhostProfile) != "")
		if profile.Type == corev1.AppArmorProfileTypeUnconfined {
			s.unsupported(s.At("type"), "", "%s Unconfined is not supported: the settings of the engine decide how a container is confined", s.At("type").Field)
		}
	}
}

func isTrue(b *bool) bool { return b != nil && *b }

func checkID(p part, id *int64) {
	if id != nil && (*id < 0 || *id > 1<<31-1) {
		p.fail(p.At(), "out-of-range", "", "%s must be from 0 to 2147483647, not %d", p.At().Field, *id)
	}
}

// checkProfile checks the type of a seccompProfile or an appArmorProfile.
func checkProfile(p part, kind string, local bool) {
	if p.missing(kind, "type") {
		return
	}
	p.oneOf(kind, []string{"Unconfined", "RuntimeDefault", "Localhost"}, "type")
	if kind == "Localhost" && !local {
		p.fail(p.At(), "required", "", "%s of type Localhost needs a localhostProfile", p.at.Name)
	}
}

// checkCapabilities checks names of capabilities. Container runtimes accept them in any case. Kubernetes' documentation wants them
// without CAP_: containerd adds that prefix once more, and the name is then unknown.
func checkCapabilities(list part, names []corev1.Capability) {
	known := map[string]bool{}
	for _, name := range api.Capabilities() {
		known[name] = true
	}
	for p, name := range items(list, names) {
		short, long := strings.CutPrefix(strings.ToUpper(string(name)), "CAP_")
		if !known[short] || long && short == "ALL" {
			remedy := DidYouMean(short, api.Capabilities())
			if known[short] {
				remedy = fmt.Sprintf("did you mean %q?", short)
			}
			p.fail(p.At(), "invalid-value", remedy, "there is no capability %q", string(name))
		} else if long {
			p.warn(p.At(), "capability-prefix", "write "+short, "capability %q has no effect in a cluster with containerd: Kubernetes writes the name without CAP_", string(name))
		}
	}
}
