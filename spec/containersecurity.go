package spec

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// security checks the securityContext like validateSecurityContext in k8s.io/kubernetes pkg/apis/core/validation.
func (c containerCheck) security() {
	context := c.raw.SecurityContext
	if context == nil {
		return
	}
	s := c.within(c.s.sub("securityContext"))
	s.id(context.RunAsUser, "runAsUser")
	s.id(context.RunAsGroup, "runAsGroup")
	if isTrue(context.RunAsNonRoot) && context.RunAsUser != nil && *context.RunAsUser == 0 {
		s.fail(s.s.At("runAsUser"), "conflict", "", "runAsNonRoot refuses to start runAsUser 0, which is root")
	}
	if context.AllowPrivilegeEscalation != nil && !*context.AllowPrivilegeEscalation {
		if isTrue(context.Privileged) {
			s.fail(s.s.At("allowPrivilegeEscalation"), "conflict", "keep one of them", "privileged excludes allowPrivilegeEscalation: false")
		}
		if k := context.Capabilities; k != nil && slices.Contains(k.Add, "CAP_SYS_ADMIN") { // the API server does not check SYS_ADMIN here
			s.fail(s.s.At("allowPrivilegeEscalation"), "conflict", "keep one of them", "capability CAP_SYS_ADMIN excludes allowPrivilegeEscalation: false")
		}
	}
	if k := context.Capabilities; k != nil {
		s.capabilities(k.Add, "add")
		s.capabilities(k.Drop, "drop")
	}
	s.oneOf(stringOf(context.ProcMount), []string{string(corev1.DefaultProcMount), string(corev1.UnmaskedProcMount)}, "procMount")
	if profile := context.SeccompProfile; profile != nil {
		s.seccomp(profile)
	}
	if profile := context.AppArmorProfile; profile != nil {
		s.appArmor(profile)
	}
}

func isTrue(b *bool) bool { return b != nil && *b }

func (c containerCheck) id(id *int64, field string) {
	if id != nil && (*id < 0 || *id > 1<<31-1) {
		c.fail(c.s.At(field), "out-of-range", "", "%s must be from 0 to 2147483647, not %d", c.s.At(field).Field, *id)
	}
}

func (c containerCheck) seccomp(profile *corev1.SeccompProfile) {
	kinds := []string{"Unconfined", "RuntimeDefault", "Localhost"}
	if c.missing(string(profile.Type), "seccompProfile", "type") {
		return
	}
	c.oneOf(string(profile.Type), kinds, "seccompProfile", "type")
	if profile.Type == corev1.SeccompProfileTypeLocalhost && profile.LocalhostProfile == nil {
		c.fail(c.s.At("seccompProfile"), "required", "", "seccompProfile of type Localhost needs a localhostProfile")
	}
}

func (c containerCheck) appArmor(profile *corev1.AppArmorProfile) {
	if c.missing(string(profile.Type), "appArmorProfile", "type") {
		return
	}
	c.oneOf(string(profile.Type), []string{"RuntimeDefault", "Unconfined", "Localhost"}, "appArmorProfile", "type")
	if profile.Type == corev1.AppArmorProfileTypeLocalhost && stringOf(profile.LocalhostProfile) == "" {
		c.fail(c.s.At("appArmorProfile"), "required", "", "appArmorProfile of type Localhost needs a localhostProfile")
	}
	if profile.Type == corev1.AppArmorProfileTypeUnconfined {
		at := c.s.At("appArmorProfile", "type")
		c.unsupported(at, "", "%s Unconfined is not supported: the settings of the engine decide how a container is confined", at.Field)
	}
}
