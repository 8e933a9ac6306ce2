package resolve

import (
	"encoding/json"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// taskContext is the content of KEPTN_CONTEXT, Keptn's TaskContext (apis/lifecycle/v1/keptntask_types.go), with its order of keys.
type taskContext struct {
	WorkloadName    string            `json:"workloadName"`
	AppName         string            `json:"appName"`
	AppVersion      string            `json:"appVersion"`
	WorkloadVersion string            `json:"workloadVersion"`
	TaskType        string            `json:"taskType"`
	ObjectType      string            `json:"objectType"`
	Metadata        map[string]string `json:"metadata,omitempty"`
}

// context returns the variable KEPTN_CONTEXT: the context of the KeptnTask, empty for a definition by itself, with the user's overrides.
func (b *builder) context() plan.EnvVar {
	c, from, places := taskContext{}, plan.Default, map[string]plan.Origin{}
	if b.task != nil {
		t := b.task.Context
		c = taskContext{WorkloadName: t.WorkloadName, AppName: t.AppName, AppVersion: t.AppVersion, WorkloadVersion: t.WorkloadVersion,
			TaskType: t.TaskType, ObjectType: t.ObjectType}
		c.setMetadata(t.Metadata)
		if t.Pos.Line > 0 {
			from = origin(t.Pos)
		}
	}
	if b.generated != nil {
		c, from = b.generated.context, plan.Origin{Source: plan.SourceStage}
	}
	for _, o := range b.options.Context {
		if !c.set(o.Key, o.Value) {
			remedy := spec.DidYouMean(o.Key, contextFields())
			if remedy == "" {
				remedy = "its fields are " + strings.Join(contextFields(), ", ") + " and metadata.KEY"
			}
			b.fail(spec.Pos{}, "unknown-context", remedy, "%s: KEPTN_CONTEXT has no field %q", o.Origin, o.Key)
		}
		from, places[o.Key] = o.Origin, o.Origin
	}
	text, _ := json.Marshal(c) // never fails for strings
	return plan.EnvVar{Name: "KEPTN_CONTEXT", Value: plan.Plain(string(text)), Origin: from, Parts: parts(places)}
}

func contextFields() []string {
	return []string{"workloadName", "appName", "appVersion", "workloadVersion", "taskType", "objectType"}
}

// set sets a field by its JSON name and reports whether it exists.
func (c *taskContext) set(name, value string) bool {
	if key, ok := strings.CutPrefix(name, "metadata."); ok && key != "" {
		c.setMetadata([]spec.Pair{{Key: key, Value: value}})
		return true
	}
	field, ok := map[string]*string{
		"workloadName": &c.WorkloadName, "appName": &c.AppName, "appVersion": &c.AppVersion,
		"workloadVersion": &c.WorkloadVersion, "taskType": &c.TaskType, "objectType": &c.ObjectType,
	}[name]
	if ok {
		*field = value
	}
	return ok
}

func (c *taskContext) setMetadata(pairs []spec.Pair) {
	if c.Metadata == nil && len(pairs) > 0 {
		c.Metadata = map[string]string{}
	}
	for _, p := range pairs {
		if p.Key != "" {
			c.Metadata[p.Key] = p.Value
		}
	}
}
