package resolve

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// defaultVolumeBytes is the size of the volume without a memory limit, 1GB in the reference page.
const defaultVolumeBytes = 1 << 30

// containerBuilder builds a container task.
type containerBuilder struct {
	*builder
	from *spec.Container
	env  *variables
}

// buildContainer builds the container of a container task: the Kubernetes container with KEPTN_CONTEXT (container_builder.go).
func buildContainer(task *builder, from *spec.Container) {
	b, c := containerBuilder{task, from, newVariables(task)}, &task.out.Container
	b.out.Runtime = plan.RuntimeContainer
	c.Name = from.Name
	c.Image, c.ImageOrigin = from.Image, origin(from.At("image"))
	c.PullPolicy = plan.PullPolicy(from.ImagePullPolicy) // "" until the image is known
	c.WorkingDir = from.WorkingDir
	c.TTY, c.Stdin = from.TTY, from.Stdin
	c.TerminationMessage = plan.TerminationMessage{
		Path:           from.TerminationMessagePath,
		FallbackToLogs: from.TerminationMessagePolicy == corev1.TerminationMessageFallbackToLogsOnError,
	}
	c.Limits, c.Requests = limits(from.Resources.Limits), requests(from.Resources.Requests)
	b.declare()
	c.Command = b.expandAll(from.Command, "command")
	c.Args = b.expandAll(from.Args, "args")
	c.Tmpfs = b.volume(c.Limits)
	c.Env = b.env.finish()
	b.warnRenamed()
	security(from, c)
	checkSecurity(b.resolver, from)
	c.Origins = origins(from)
	if b.task != nil && (len(b.task.Parameters) > 0 || b.task.Secret.Given) {
		b.warn(b.task.Definition.Pos, "unused-parameters", "use env",
			"KeptnTask %q has parameters or a secret, but %q is a container task, which gets neither", b.task.Name, b.definition.Name)
	}
}

// origins returns the places of the given fields.
func origins(from *spec.Container) []plan.Part {
	var all []plan.Part
	for _, f := range []struct {
		name  string
		steps []any
	}{
		{"command", []any{"command"}}, {"args", []any{"args"}}, {"workingDir", []any{"workingDir"}},
		{"pullPolicy", []any{"imagePullPolicy"}}, {"user", []any{"securityContext", "runAsUser"}},
		{"limits.memory", []any{"resources", "limits", "memory"}}, {"limits.cpu", []any{"resources", "limits", "cpu"}},
		{"terminationMessagePath", []any{"terminationMessagePath"}}, {"security", []any{"securityContext"}},
	} {
		if from.Given(f.steps...) {
			all = append(all, plan.Part{Name: f.name, Origin: origin(from.At(f.steps...))})
		}
	}
	return all
}

func limits(list corev1.ResourceList) plan.Limits {
	var l plan.Limits
	if memory, ok := list[corev1.ResourceMemory]; ok {
		l.MemoryBytes = memory.Value()
	}
	if cpu, ok := list[corev1.ResourceCPU]; ok {
		l.NanoCPUs = nanoCPUs(cpu.MilliValue())
	}
	return l
}

// requests returns the requests of what can be asked for without a limit.
func requests(list corev1.ResourceList) (all []plan.Request) {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceEphemeralStorage, corev1.ResourceMemory} {
		if quantity, ok := list[name]; ok {
			all = append(all, plan.Request{Resource: string(name), Quantity: quantity.String()})
		}
	}
	return all
}

// nanoCPUs returns the limit that the kubelet sets. Kubernetes rounds up to thousandths, and the minimum of Linux is one millisecond
// in 100 (pkg/kubelet/cm/helpers_linux.go, MilliCPUToQuota).
func nanoCPUs(milli int64) int64 {
	const nano, least = 1_000_000, 10
	if milli <= 0 {
		return 0 // no limit
	}
	return min(max(milli, least), math.MaxInt64/nano) * nano
}

// expandAll expands command or args with the whole environment. It returns nil for nil, so that the image's default is used.
func (b *containerBuilder) expandAll(values []string, what string) []plan.Text {
	if len(values) == 0 {
		return nil // Kubernetes ignores an empty list
	}
	texts := make([]plan.Text, len(values))
	for i, v := range values {
		texts[i] = expand(v, b.env.lookup)
		b.checkText(texts[i], what+"["+strconv.Itoa(i)+"]")
	}
	return texts
}

// volume mounts the one volume that Keptn makes, an emptyDir in memory with the name of all mounts. Its size is the memory limit, if
// there is one, but an engine lowers it to half of its memory, as the kubelet does. See "One volume" and "Volume size" in
// docs/fidelity.md.
func (b *containerBuilder) volume(l plan.Limits) []plan.Tmpfs {
	size := l.MemoryBytes
	if size <= 0 {
		size = defaultVolumeBytes
	}
	var all []plan.Tmpfs
	for i, m := range b.from.VolumeMounts {
		sub, target := m.SubPath, m.MountPath
		if m.SubPathExpr != "" {
			sub = b.subPath(m.SubPathExpr, b.from.At("volumeMounts", i, "subPathExpr"))
		}
		if !path.IsAbs(target) {
			target = "/" + target
		}
		all = append(all, plan.Tmpfs{Name: m.Name, Path: target, SubPath: sub, SizeBytes: size, ReadOnly: m.ReadOnly, Origin: origin(b.from.At("volumeMounts", i))})
	}
	return all
}

// subPath expands a subPathExpr. A kubelet starts no container with an unknown variable there.
func (b *containerBuilder) subPath(expr string, at spec.Pos) string {
	text := expand(expr, func(name string) (plan.Text, bool) {
		value, known := b.env.lookup(name)
		if !known {
			b.fail(at, "missing-variable", "declare it in env", "task %q: subPathExpr uses variable %q, which is not declared: a kubelet would not start the container", b.name(), name)
		}
		return value, known
	})
	if len(text.Secrets()) > 0 {
		b.fail(at, "secret-path", "", "task %q: subPathExpr contains a secret, which would be shown in the path", b.name())
	}
	if fields := text.Fields(); len(fields) > 0 {
		b.fail(at, "field-in-path", "use a value that the manifest has", "task %q: subPathExpr contains %v, which is known only when the pod runs", b.name(), fields[0])
	}
	sub := text.String()
	if slices.Contains(strings.Split(sub, "/"), "..") || path.IsAbs(sub) {
		b.fail(at, "invalid-path", "", "subPathExpr expands to %q, which is not a relative path within the volume", sub)
	}
	return sub
}

func security(from *spec.Container, c *plan.Container) {
	s := from.SecurityContext
	if s == nil {
		return
	}
	c.Security = plan.Security{
		ReadOnlyRootfs:  isTrue(s.ReadOnlyRootFilesystem),
		NoNewPrivileges: s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation,
		Privileged:      isTrue(s.Privileged),
		RunAsNonRoot:    isTrue(s.RunAsNonRoot),
		UnmaskedProc:    s.ProcMount != nil && *s.ProcMount == corev1.UnmaskedProcMount,
	}
	if k := s.Capabilities; k != nil {
		for _, add := range k.Add {
			c.Security.CapAdd = append(c.Security.CapAdd, string(add))
		}
		for _, drop := range k.Drop {
			c.Security.CapDrop = append(c.Security.CapDrop, string(drop))
		}
	}
	if s.SeccompProfile != nil {
		c.Security.Seccomp = string(s.SeccompProfile.Type)
	}
	if s.RunAsUser != nil {
		c.User = strconv.FormatInt(*s.RunAsUser, 10)
	}
	if s.RunAsGroup != nil {
		c.User += ":" + strconv.FormatInt(*s.RunAsGroup, 10)
	}
}
