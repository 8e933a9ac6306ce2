package kubernetes

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/plan/podspec"
)

const (
	// containerName is the name of the only container of a pod whose plan names none.
	containerName = "task"
	// finishedFor is how long the cluster keeps a Job that has finished and whose ktask was killed.
	finishedFor = time.Minute
	// longestJob is how long a Job whose labels have no lifetime may run.
	longestJob = 24 * time.Hour
)

// objects are what an attempt consists of on a cluster. The Job comes first and owns the others, so that all are gone with it.
type objects struct {
	job batchv1.Job
	// files has the files of the container, and secrets what contains a secret. Both are nil if there is nothing in them.
	files   *corev1.ConfigMap
	secrets *corev1.Secret
}

// convert turns a plan's container into objects. It is the only place of the package where secrets are revealed. It does no I/O.
func convert(c plan.Container, l engine.Labels) (objects, error) {
	o := objects{}
	spec := podspec.Pod(c)
	spec.RestartPolicy, spec.TerminationGracePeriodSeconds, spec.EnableServiceLinks = corev1.RestartPolicyNever, new(seconds(c.Grace)), new(false)
	container, err := o.container(c, l)
	if err != nil {
		return objects{}, err
	}
	addFiles(&o, &spec, &container, c, l)
	addVolumes(&spec, &container, c)
	spec.Containers = []corev1.Container{container}
	deadline := longestJob
	if l.Lifetime > 0 {
		deadline = l.Lifetime
	}
	o.job = batchv1.Job{
		ObjectMeta: meta(l),
		Spec: batchv1.JobSpec{
			BackoffLimit:            new(int32(0)),
			ActiveDeadlineSeconds:   new(seconds(deadline)),
			TTLSecondsAfterFinished: new(int32(finishedFor / time.Second)),
			Template:                corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{labelRun: l.Run}}, Spec: spec},
		},
	}
	return o, nil
}

func (o *objects) container(c plan.Container, l engine.Labels) (corev1.Container, error) {
	to := podspec.Container(c)
	to.Name = cmp.Or(to.Name, containerName)
	for i, e := range c.Env {
		if podspec.SetsHostname(e) {
			continue
		}
		to.Env = append(to.Env, o.variable(e.Name, fmt.Sprintf("env-%d", i), e.Value, l)...)
	}
	to.Command, to.Args = o.words(c.Command, "command", &to, l), o.words(c.Args, "arg", &to, l)
	if !numeric(c.User) {
		return to, &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf("user %q: a cluster takes numbers only", c.User)}
	}
	return to, nil
}

// numeric reports whether a user has only numbers: "uid", "uid:gid", ":gid" or "".
func numeric(user string) bool {
	return strings.Trim(user, "0123456789:") == ""
}

// variable returns an environment variable, after those that it needs. A value with a secret is a key of the attempt's Secret. One
// with fields of the pod is put together by the kubelet.
func (o *objects) variable(name, key string, value plan.Text, l engine.Labels) []corev1.EnvVar {
	fields := value.Fields()
	switch {
	case len(fields) > 0:
		return o.composed(name, key, value, l)
	case len(value.Secrets()) > 0:
		return []corev1.EnvVar{{Name: name, ValueFrom: o.secret(key, value.Reveal(), l)}}
	}
	return []corev1.EnvVar{{Name: name, Value: literal(value.Reveal())}}
}

// composed returns a variable that consists of others.
func (o *objects) composed(name, key string, value plan.Text, l engine.Labels) []corev1.EnvVar {
	var parts []corev1.EnvVar
	part := func(from *corev1.EnvVarSource) string {
		part := fmt.Sprintf("KTASK_%s_PART_%d", strings.ToUpper(strings.ReplaceAll(key, "-", "_")), len(parts))
		parts = append(parts, corev1.EnvVar{Name: part, ValueFrom: from})
		return "$(" + part + ")"
	}
	text := value.MapFields(literal,
		func(s plan.Secret) string {
			return part(o.secret(fmt.Sprintf("%s-%d", key, len(parts)), s.Reveal(), l))
		},
		func(f plan.Field) string { return part(podspec.FieldSource(f)) })
	if len(parts) == 1 && text == "$("+parts[0].Name+")" {
		return []corev1.EnvVar{{Name: name, ValueFrom: parts[0].ValueFrom}}
	}
	return append(parts, corev1.EnvVar{Name: name, Value: text})
}

// secret adds a value to the attempt's Secret.
func (o *objects) secret(key, value string, l engine.Labels) *corev1.EnvVarSource {
	if o.secrets == nil {
		o.secrets = &corev1.Secret{ObjectMeta: meta(l), Data: map[string][]byte{}, Immutable: new(true)}
	}
	o.secrets.Data[key] = []byte(value)
	return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: o.secrets.Name}, Key: key,
	}}
}

// words returns a command or arguments. A word with a secret or a field of the pod is a variable of its own.
func (o *objects) words(texts []plan.Text, name string, in *corev1.Container, l engine.Labels) []string {
	if texts == nil {
		return nil
	}
	all := []string{}
	for i, t := range texts {
		if len(t.Secrets())+len(t.Fields()) == 0 {
			all = append(all, literal(t.Reveal()))
			continue
		}
		variable := fmt.Sprintf("KTASK_%s_%d", strings.ToUpper(name), i)
		in.Env = append(in.Env, o.variable(variable, fmt.Sprintf("%s-%d", name, i), t, l)...)
		all = append(all, "$("+variable+")")
	}
	return all
}

// literal returns a text in which the kubelet expands nothing, see
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }

// addFiles mounts the files from the attempt's ConfigMap, each with its own mode.
func addFiles(o *objects, spec *corev1.PodSpec, to *corev1.Container, c plan.Container, l engine.Labels) {
	if len(c.Files) == 0 {
		return
	}
	const volume = "ktask-files"
	o.files = &corev1.ConfigMap{ObjectMeta: meta(l), BinaryData: map[string][]byte{}, Immutable: new(true)}
	source := &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: o.files.Name}}
	for i, f := range c.Files {
		key := fmt.Sprintf("file-%d", i)
		o.files.BinaryData[key] = f.Content
		source.Items = append(source.Items, corev1.KeyToPath{Key: key, Path: key, Mode: new(int32(f.Mode.Perm()))})
		to.VolumeMounts = append(to.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: f.Path, SubPath: key, ReadOnly: true})
	}
	spec.Volumes = append(spec.Volumes, corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{ConfigMap: source}})
}

// addVolumes mounts the volumes in memory.
func addVolumes(spec *corev1.PodSpec, to *corev1.Container, c plan.Container) {
	known := map[string]bool{}
	for _, v := range c.Tmpfs {
		if !known[v.Name] {
			known[v.Name] = true
			dir := &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}
			if v.SizeBytes > 0 {
				dir.SizeLimit = resource.NewQuantity(v.SizeBytes, resource.BinarySI)
			}
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: v.Name, VolumeSource: corev1.VolumeSource{EmptyDir: dir}})
		}
		to.VolumeMounts = append(to.VolumeMounts, corev1.VolumeMount{Name: v.Name, MountPath: v.Path, SubPath: v.SubPath, ReadOnly: v.ReadOnly})
	}
}
