package spec

import (
	"github.com/ktask/ktask/spec/internal/api"
)

func (l *loader) task() {
	var raw api.Task
	l.decode(&raw)
	meta, ok := l.meta(raw.Header)
	s := l.cursor().sub("spec")
	t := &Task{
		Meta:       meta,
		Definition: required(l, raw.Spec.TaskDefinition, s, "taskDefinition"),
		Retries:    l.count(raw.Spec.Retries, s.sub("retries"), "retries"),
		Timeout:    l.timeout(raw.Spec.Timeout, s.sub("timeout")),
	}
	l.oldTaskFields(s)
	if t.Definition.Given && t.Definition.Value == "" {
		l.fail(s.At("taskDefinition"), "required", "name a KeptnTaskDefinition", "spec.taskDefinition is empty")
	}
	if raw.Spec.Parameters != nil {
		t.Parameters = pairs(raw.Spec.Parameters.Map, s.sub("parameters", "map"))
	}
	if p := raw.Spec.SecureParameters; p != nil && p.Secret != "" {
		t.Secret = given(&p.Secret, s.sub("secureParameters", "secret"))
		l.reference(p.Secret, t.Secret.Pos)
	}
	if c := raw.Spec.Context; c != nil {
		t.Context = Context{
			WorkloadName: c.WorkloadName, AppName: c.AppName, AppVersion: c.AppVersion, WorkloadVersion: c.WorkloadVersion,
			TaskType: c.TaskType, ObjectType: c.ObjectType, Metadata: pairs(c.Metadata, s.sub("context", "metadata")), Pos: s.At("context"),
		}
	}
	if ok && l.remember(meta) && t.Definition.Value != "" {
		l.manifests.Tasks = append(l.manifests.Tasks, t)
	}
}

// oldTaskFields reports missing fields of old versions. They are required there, although only the context is read.
func (l *loader) oldTaskFields(s cursor) {
	if s.root == nil || l.version != "v1alpha1" && l.version != "v1alpha2" {
		return
	}
	for _, field := range []string{"app", "appVersion", "workload", "workloadVersion"} {
		if s.Given(field) || s.bad(field) {
			continue
		}
		p := Problem{Pos: s.At(), Severity: Error, Rule: "required", Remedy: "use apiVersion " + api.LifecycleGroup + "/v1, which does without",
			Message: s.At(field).Field + " is required in " + api.LifecycleGroup + "/" + l.version}
		if l.options.Lenient {
			p.Severity = Warning
		}
		l.problem(p)
	}
}
