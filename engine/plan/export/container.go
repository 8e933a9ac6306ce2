package export

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/plan/podspec"
)

// container returns the container of a task's pod, without the files.
func container(c plan.Container) corev1.Container {
	out := podspec.Container(c)
	for _, e := range c.Env {
		switch {
		case podspec.SetsHostname(e):
		case isAlone(e.Value) && len(e.Value.Secrets()) == 1:
			out.Env = append(out.Env, corev1.EnvVar{Name: e.Name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: keyOf(e.Value.Secrets()[0])}})
		case isAlone(e.Value):
			out.Env = append(out.Env, corev1.EnvVar{Name: e.Name, ValueFrom: podspec.FieldSource(e.Value.Fields()[0])})
		default:
			out.Env = append(out.Env, corev1.EnvVar{Name: e.Name, Value: unexpanded(e.Value, c)})
		}
	}
	for _, word := range c.Command {
		out.Command = append(out.Command, unexpanded(word, c))
	}
	for _, word := range c.Args {
		out.Args = append(out.Args, unexpanded(word, c))
	}
	return out
}

// isAlone reports whether a text is one secret or one field of the pod, and nothing else.
func isAlone(t plan.Text) bool {
	alone := true
	t.MapFields(func(string) string { alone = false; return "" }, plan.Secret.Ref, plan.Field.String)
	return alone && len(t.Secrets())+len(t.Fields()) == 1
}

func keyOf(s plan.Secret) *corev1.SecretKeySelector {
	name, key, _ := strings.Cut(s.Ref(), "/")
	return &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key}
}

// unexpanded returns the text that a kubelet expands to t: a secret or a field of the pod is a reference to the variable that has it.
func unexpanded(t plan.Text, c plan.Container) string {
	reference := func(has func(plan.Text) bool, otherwise string) string {
		for _, e := range c.Env {
			if isAlone(e.Value) && has(e.Value) {
				return "$(" + e.Name + ")"
			}
		}
		return otherwise // its variable has another value by now
	}
	return t.MapFields(escaped,
		func(s plan.Secret) string {
			return reference(func(t plan.Text) bool { return slices.Contains(t.Secrets(), s) }, s.Ref())
		},
		func(f plan.Field) string {
			return reference(func(t plan.Text) bool { return slices.Contains(t.Fields(), f) }, f.String())
		})
}

// escaped doubles the dollars that a kubelet would not leave as they are.
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] == '$' && (i+1 == len(s) || s[i+1] == '$' || s[i+1] == '(') {
			b.WriteByte('$')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// addVolumes adds the code of a task, and the volume in memory of a container task. Without a memory limit its size is one byte, see
// "Volume size" in docs/fidelity.md.
func addVolumes(t plan.Task, pod *corev1.PodSpec) {
	c := &pod.Containers[0]
	for _, f := range t.Container.Files {
		const name = "function-mount"
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: configMapOf(t, f)}},
		}})
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: f.Path, SubPath: codeKey})
	}
	size := resource.NewQuantity(max(t.Container.Limits.MemoryBytes, 1), resource.BinarySI)
	for i, m := range t.Container.Tmpfs {
		if i == 0 {
			pod.Volumes = append(pod.Volumes, corev1.Volume{Name: m.Name, VolumeSource: corev1.VolumeSource{
				EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: size},
			}})
		}
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: m.Name, ReadOnly: m.ReadOnly, MountPath: m.Path, SubPath: m.SubPath})
	}
}
