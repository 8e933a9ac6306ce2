// Package podspec turns the containers of a plan into those of Kubernetes.
//
// In comes a plan.Container, out goes what of it has the same meaning in a pod, for those who print a Job and for those who create one.
// What they treat in different ways is left to them: variables, command and arguments, which may have secrets, files and volumes. The
// package does no I/O.
package podspec

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ktask/ktask/engine/plan"
)

// Pod returns a pod without containers, with the account of the container and the names of its pull secrets.
func Pod(c plan.Container) corev1.PodSpec {
	pod := corev1.PodSpec{ServiceAccountName: c.ServiceAccount, AutomountServiceAccountToken: c.AutomountToken}
	for _, name := range c.ImagePullSecrets {
		pod.ImagePullSecrets = append(pod.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	return pod
}

// Container returns the container without variables, command, arguments and mounts. A user or a group that is no number is left out.
func Container(c plan.Container) corev1.Container {
	out := corev1.Container{
		Name: c.Name, Image: c.Image, ImagePullPolicy: corev1.PullPolicy(c.PullPolicy), WorkingDir: c.WorkingDir, TTY: c.TTY, Stdin: c.Stdin,
		TerminationMessagePath: c.TerminationMessage.Path, SecurityContext: securityContext(c),
	}
	if c.TerminationMessage.FallbackToLogs {
		out.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	}
	limits := corev1.ResourceList{}
	if bytes := c.Limits.MemoryBytes; bytes > 0 {
		limits[corev1.ResourceMemory] = *resource.NewQuantity(bytes, resource.BinarySI)
	}
	if nano := c.Limits.NanoCPUs; nano > 0 {
		limits[corev1.ResourceCPU] = *resource.NewMilliQuantity((nano+999_999)/1_000_000, resource.DecimalSI)
	}
	if len(limits) > 0 {
		out.Resources.Limits = limits
	}
	for _, r := range c.Requests {
		if quantity, err := resource.ParseQuantity(r.Quantity); err == nil { // resolve writes no others
			if out.Resources.Requests == nil {
				out.Resources.Requests = corev1.ResourceList{}
			}
			out.Resources.Requests[corev1.ResourceName(r.Resource)] = quantity
		}
	}
	return out
}

// FieldSource returns the source of a variable that is a field of the pod.
func FieldSource(f plan.Field) *corev1.EnvVarSource {
	if f.Path != "" {
		return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: f.Path}}
	}
	divisor, _ := resource.ParseQuantity(f.Divisor) // resolve has checked it
	return &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: f.Resource, Divisor: divisor}}
}

// SetsHostname reports whether a variable is the HOSTNAME that an engine without pods gives a task: in a pod the container runtime sets
// it.
func SetsHostname(e plan.EnvVar) bool { return e.Name == "HOSTNAME" && e.Origin == plan.Default }

// securityContext returns nil if nothing is set.
func securityContext(c plan.Container) *corev1.SecurityContext {
	s, set := c.Security, corev1.SecurityContext{}
	user, group, _ := strings.Cut(c.User, ":")
	set.RunAsUser, set.RunAsGroup = number(user), number(group)
	truth := func(yes bool) *bool {
		if !yes {
			return nil
		}
		return &yes
	}
	set.ReadOnlyRootFilesystem, set.Privileged, set.RunAsNonRoot = truth(s.ReadOnlyRootfs), truth(s.Privileged), truth(s.RunAsNonRoot)
	if s.NoNewPrivileges {
		set.AllowPrivilegeEscalation = new(bool)
	}
	if len(s.CapAdd)+len(s.CapDrop) > 0 {
		set.Capabilities = &corev1.Capabilities{Add: capabilities(s.CapAdd), Drop: capabilities(s.CapDrop)}
	}
	if s.Seccomp != "" {
		set.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileType(s.Seccomp)}
	}
	if s.UnmaskedProc {
		unmasked := corev1.UnmaskedProcMount
		set.ProcMount = &unmasked
	}
	if set == (corev1.SecurityContext{}) {
		return nil
	}
	return &set
}

func capabilities(names []string) []corev1.Capability {
	var all []corev1.Capability
	for _, name := range names {
		all = append(all, corev1.Capability(name))
	}
	return all
}

// number returns an ID, or nil if there is none.
func number(text string) *int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
