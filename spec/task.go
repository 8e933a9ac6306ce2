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
		Timeout:    s.duration(raw.Spec.Timeout, "timeout"),
	}
	checkOldFields(s)
	if t.Definition.Given && t.Definition.Value == "" {
		s.fail(s.At("taskDefinition"), "required", "name a KeptnTaskDefinition", "spec.taskDefinition is empty")
	}
	valid := s.in("taskDefinition").reference(t.Definition.Value)
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
	if t.Definition.Value == "" || !valid {
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

// oldTaskFields returns the fields of a KeptnTask that only old versions have, and their names in the context.
func oldTaskFields() map[string]string {
	return map[string]string{
		"app": "spec.context.appName", "appVersion": "spec.context.appVersion",
		"workload": "spec.context.workloadName", "workloadVersion": "spec.context.workloadVersion",
	}
}

// old reports whether the version of an object is v1alpha1 or v1alpha2, which lack most fields.
func (o *object) old() bool { return o.version == "v1alpha1" || o.version == "v1alpha2" }

// checkOldFields reports missing fields of old versions. They are required there, although only the context is read.
func checkOldFields(s part) {
	if s.root == nil || !s.old() {
		return
	}
	require := func(p part, fields ...string) {
		for _, field := range fields {
			if !p.Given(field) && !p.bad(field) {
				s.relax(p.At(), "required", "add it, or use apiVersion "+api.LifecycleGroup+"/v1 without app, appVersion, workload and workloadVersion",
					"%s is required in %s/%s", p.At(field).Field, api.LifecycleGroup, s.version)
			}
		}
	}
	require(s, "app", "appVersion", "workload", "workloadVersion", "context")
	if context := s.in("context"); s.Given("context") {
		require(context, "appName", "appVersion", "objectType", "taskType", "workloadName", "workloadVersion")
	}
}
