package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/plan/podspec"
)

// Job returns the objects of a cluster for each task: the ConfigMap of its code, the Secrets that it uses, with placeholders in
// place of values, and its Job. Keptn adds random numbers to the name of a Job, see "Object names" in docs/fidelity.md; here the API
// server does so. Fields of the manifests that a plan does not have, such as ports and probes, are missing.
func Job(p plan.Plan) ([]byte, error) {
	var objects []any
	head := comment("kubectl create -f FILE creates these objects (kubectl apply would replace Secrets that exist)") +
		comment("not in them, because ktask does not use them: ports, probes and hooks of containers")
	for _, m := range configMaps(p) {
		objects = append(objects, m)
	}
	for _, s := range secretObjects(p) {
		objects = append(objects, s)
	}
	for _, t := range p.Tasks {
		objects = append(objects, jobOf(p, t))
		head += elsewhere(t)
	}
	text := head
	for i, object := range objects {
		document, err := withoutStatus(object)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text += "---\n"
		}
		text += document
	}
	return []byte(text), nil
}

// elsewhere returns comments about what a cluster decides.
func elsewhere(t plan.Task) string {
	var b strings.Builder
	c := t.Container
	for _, e := range c.Env {
		if len(e.Value.Fields()) == 0 && strings.HasSuffix(strings.ToLower(e.Origin.Field), "fieldref") {
			b.WriteString(comment("%s: the value of %s is of this machine, in a cluster it is that of the pod", t.Name, e.Name))
		}
	}
	for _, m := range c.Mounts {
		b.WriteString(comment("%s: %s is mounted by ktask only", t.Name, m.Target))
	}
	if n := network(c); n != "" {
		b.WriteString(comment("%s: the network %s is used on this machine only", t.Name, n))
	}
	return b.String()
}

// configMaps returns the ConfigMaps of the code of all tasks, each once. Code that is not from a ConfigMap of the manifests is in
// one that Keptn makes.
func configMaps(p plan.Plan) []corev1.ConfigMap {
	var all []corev1.ConfigMap
	seen := map[string]bool{}
	for _, t := range p.Tasks {
		for _, f := range t.Container.Files {
			name := configMapOf(t, f)
			if seen[t.Namespace+"/"+name] {
				continue
			}
			seen[t.Namespace+"/"+name] = true
			m := corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace}}
			if utf8.Valid(f.Content) {
				m.Data = map[string]string{codeKey: string(f.Content)}
			} else {
				m.BinaryData = map[string][]byte{codeKey: f.Content}
			}
			all = append(all, m)
		}
	}
	return all
}

// codeKey is the key of a ConfigMap that has the code of a task.
const codeKey = "code"

func configMapOf(t plan.Task, f plan.File) string {
	if f.ConfigMap == "" { // of a script that was downloaded
		return t.Name
	}
	return f.ConfigMap
}

// secretObjects returns the Secrets of all tasks, each once, with all their keys that are used.
func secretObjects(p plan.Plan) []*corev1.Secret {
	var all []*corev1.Secret
	for _, t := range p.Tasks {
		for _, used := range t.Container.Secrets() {
			name, key, _ := strings.Cut(used.Ref(), "/")
			i := slices.IndexFunc(all, func(s *corev1.Secret) bool { return s.Name == name && s.Namespace == t.Namespace })
			if i < 0 {
				i = len(all)
				all = append(all, &corev1.Secret{
					TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace}, StringData: map[string]string{},
				})
			}
			all[i].StringData[key] = fmt.Sprintf("<the value of %s>", used.Ref())
		}
	}
	return all
}

// jobOf returns the Job that Keptn creates for a task (lifecycle-operator/controllers/lifecycle/keptntask/job_utils.go).
func jobOf(p plan.Plan, t plan.Task) batchv1.Job {
	limit, deadline, ttl := int32(t.Retry.Limit), int64(t.Timeout/time.Second), int32(t.TTL/time.Second)
	job := batchv1.Job{
		TypeMeta:   metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: jobName(p, t) + "-", Namespace: t.Namespace, Labels: byKey(t.Labels), Annotations: byKey(t.Annotations)},
		Spec:       batchv1.JobSpec{BackoffLimit: &limit, ActiveDeadlineSeconds: &deadline, TTLSecondsAfterFinished: &ttl},
	}
	if job.Annotations == nil {
		job.Annotations = map[string]string{}
	}
	for key, value := range keptnAnnotations(p, t) {
		job.Annotations[key] = value
	}
	pod := &job.Spec.Template
	pod.Labels, pod.Annotations = byKey(t.Labels), byKey(t.Annotations)
	pod.Spec = podspec.Pod(t.Container)
	pod.Spec.RestartPolicy, pod.Spec.Containers = corev1.RestartPolicyOnFailure, []corev1.Container{container(t.Container)}
	addVolumes(t, &pod.Spec)
	return job
}

// jobName returns the name of a Job without its random numbers: that of the KeptnTask, which for the task of a stage begins with the
// type of the check.
func jobName(p plan.Plan, t plan.Task) string {
	checks := map[string]string{plan.AppPre: "pre", plan.WorkloadPre: "pre", plan.AppPost: "post", plan.WorkloadPost: "post", plan.Promotion: "promotion"}
	if s, ok := p.Stage(t.Stage); ok {
		return checks[s.Name] + "-" + t.Definition
	}
	return t.Name[strings.LastIndex(t.Name, "/")+1:]
}

// keptnAnnotations returns the annotations that Keptn adds to a Job, of the context of the task.
func keptnAnnotations(p plan.Plan, t plan.Task) map[string]string {
	var context struct{ WorkloadName, AppName, AppVersion, WorkloadVersion string }
	for _, e := range t.Container.Env {
		if e.Name == "KEPTN_CONTEXT" {
			_ = json.Unmarshal([]byte(e.Value.String()), &context) // a value of the user may be something else
		}
	}
	all := map[string]string{"keptn.sh/app": context.AppName, "keptn.sh/task-name": jobName(p, t), "keptn.sh/version": context.AppVersion}
	if context.WorkloadName != "" {
		all["keptn.sh/workload"], all["keptn.sh/version"] = context.WorkloadName, context.WorkloadVersion
	}
	return all
}

func byKey(labels plan.Labels) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	all := map[string]string{}
	for _, l := range labels {
		all[l.Key] = l.Value
	}
	return all
}

// withoutStatus returns the YAML of an object without the fields that the API server fills in.
func withoutStatus(object any) (string, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return "", fmt.Errorf("write object: %w", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return "", fmt.Errorf("write object: %w", err)
	}
	delete(fields, "status")
	for at := fields; at != nil; {
		if meta, ok := at["metadata"].(map[string]any); ok && meta["creationTimestamp"] == nil {
			delete(meta, "creationTimestamp")
			if len(meta) == 0 {
				delete(at, "metadata")
			}
		}
		spec, _ := at["spec"].(map[string]any)
		at, _ = spec["template"].(map[string]any)
	}
	return toYAML(fields)
}
