package spec

import (
	"github.com/ktask/ktask/spec/internal/api"
)

// App is a KeptnApp. Before v1beta1 it carried the task lists itself; Tasks holds them.
type App struct {
	Meta
	AppVersion string
	Workloads  []WorkloadRef
	Tasks      StageTasks
}

// WorkloadRef names a workload of an app, without the name of the app as prefix. A field with an error is empty.
type WorkloadRef struct {
	Name    string
	Version string
	Pos     Pos
}

// AppContext is a KeptnAppContext. It belongs to the KeptnApp of the same name and namespace.
type AppContext struct {
	Meta
	Tasks    StageTasks
	Metadata []Pair
}

// StageTasks are the names of definitions at each stage of a deployment.
type StageTasks struct {
	Pre       []Name
	Post      []Name
	Promotion []Name
	// Evaluations are the places of lists of KeptnEvaluationDefinitions, which ktask does not run.
	Evaluations []Pos
}

// Name is a name and its place.
type Name struct {
	Value string
	Pos   Pos
}

// Config is the part of a KeptnConfig that ktask reads. In Keptn, BlockDeployment is true by default.
type Config struct {
	Meta
	BlockDeployment Optional[bool]
}

func readApp(o *object) *App {
	var raw api.App
	o.decode(&raw)
	o.readMeta(raw.Header)
	s := o.top().in("spec")
	a := &App{Meta: o.meta, Tasks: readStages(s, raw.Spec.PreDeploymentTasks, raw.Spec.PostDeploymentTasks, nil)}
	a.AppVersion = required(s, raw.Spec.Version, "version").Value
	if raw.Spec.Version != nil && a.AppVersion == "" {
		s.fail(s.At("version"), "required", "", "spec.version is empty")
	}
	if r := raw.Spec.Revision; r != nil && *r < 0 {
		s.fail(s.At("revision"), "out-of-range", "", "spec.revision must be 0 or more, not %d", *r)
	}
	for s, w := range items(s.in("workloads"), raw.Spec.Workloads) {
		missing := func(field, value string) bool { return value == "" && !s.bad(field) }
		if missing("name", w.Name) || missing("version", w.Version) {
			s.fail(s.At(), "required", "", "%s needs a name and a version", s.At().Field)
		}
		a.Workloads = append(a.Workloads, WorkloadRef{w.Name, w.Version, s.At()})
	}
	return a
}

func readAppContext(o *object) *AppContext {
	var raw api.AppContext
	o.decode(&raw)
	o.readMeta(raw.Header)
	s := o.top().in("spec")
	return &AppContext{
		Meta:     o.meta,
		Tasks:    readStages(s, raw.Spec.PreDeploymentTasks, raw.Spec.PostDeploymentTasks, raw.Spec.PromotionTasks),
		Metadata: pairs(raw.Spec.Metadata, s.sub("metadata")),
	}
}

func readStages(s part, pre, post, promotion []string) StageTasks {
	names := func(field string, values []string) (all []Name) {
		for item, name := range items(s.in(field), values) {
			if item.reference(name) {
				all = append(all, Name{name, item.At()})
			}
		}
		return all
	}
	t := StageTasks{
		Pre: names("preDeploymentTasks", pre), Post: names("postDeploymentTasks", post), Promotion: names("promotionTasks", promotion),
	}
	for _, field := range []string{"preDeploymentEvaluations", "postDeploymentEvaluations"} {
		if list := s.find(field); s.Given(field) && len(list.Values) > 0 {
			t.Evaluations = append(t.Evaluations, s.At(field))
		}
	}
	return t
}

// readConfig reads blockDeployment. The other fields configure the operator.
func readConfig(o *object) *Config {
	var raw api.Config
	o.decode(&raw)
	o.readMeta(raw.Header)
	s := o.top().in("spec")
	if n := raw.Spec.KeptnAppCreationRequestTimeoutSeconds; n != nil && *n < 0 {
		at := s.At("keptnAppCreationRequestTimeoutSeconds")
		s.fail(at, "out-of-range", "", "%s must be 0 or more, not %d", at.Field, *n)
	}
	s.duration(raw.Spec.ObservabilityTimeout, "observabilityTimeout")
	return &Config{Meta: o.meta, BlockDeployment: given(raw.Spec.BlockDeployment, s.sub("blockDeployment"))}
}
