package spec

import (
	"github.com/ktask/ktask/spec/internal/api"
)

func readTask(o *object) *Task {
	var raw api.Task
	o.decode(&raw)
	o.readMeta(raw.Header)
	s := o.top().in("spec")
	t := &Task{
		Meta:       o.meta,
		Definition: required(s, raw.Spec.TaskDefinition, "taskDefinition"),
		Retries:    s.count(raw.Spec.Retries, "retries"),
		Timeout:    s.timeout(raw.Spec.Timeout),
	}
	checkOldFields(s)
	if t.Definition.Given && t.Definition.Value == "" {
		s.fail(s.At("taskDefinition"), "required", "name a KeptnTaskDefinition", "spec.taskDefinition is empty")
	}
	if raw.Spec.Parameters != nil {
		t.Parameters = pairs(raw.Spec.Parameters.Map, s.sub("parameters", "map"))
	}
	t.Secret = readSecureParameters(s.in("secureParameters"), raw.Spec.SecureParameters)
	if c := raw.Spec.Context; c != nil {
		t.Context = Context{
			WorkloadName: c.WorkloadName, AppName: c.AppName, AppVersion: c.AppVersion, WorkloadVersion: c.WorkloadVersion,
			TaskType: c.TaskType, ObjectType: c.ObjectType, Metadata: pairs(c.Metadata, s.sub("context", "metadata")), Pos: s.At("context"),
		}
	}
	if t.Definition.Value == "" {
		return nil
	}
	return t
}

// readSecureParameters returns the name of the Secret. Keptn ignores an empty name.
func readSecureParameters(s part, p *api.SecureParameters) Optional[string] {
	if p == nil || p.Secret == "" {
		return Optional[string]{}
	}
	s = s.in("secret")
	s.reference(p.Secret)
	return given(&p.Secret, s.cursor)
}

// checkOldFields reports missing fields of old versions. They are required there, although only the context is read.
func checkOldFields(s part) {
	if s.root == nil || s.version != "v1alpha1" && s.version != "v1alpha2" {
		return
	}
	for _, field := range []string{"app", "appVersion", "workload", "workloadVersion"} {
		if !s.Given(field) && !s.bad(field) {
			s.relax(s.At(), "required", "use apiVersion "+api.LifecycleGroup+"/v1, which does not need it",
				"%s is required in %s/%s", s.At(field).Field, api.LifecycleGroup, s.version)
		}
	}
}
