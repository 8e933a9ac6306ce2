package spec

import (
	"encoding/json"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// App is a KeptnApp. Before v1beta1 it carried the task lists itself; Tasks holds them.
type App struct {
	Meta
	AppVersion string
	Workloads  []WorkloadRef
	Tasks      StageTasks
}

// WorkloadRef names a workload of an app, without the name of the app as prefix.
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

func (l *loader) app() {
	var raw api.App
	l.decode(&raw)
	meta, ok := l.meta(raw.Header)
	s := l.cursor().sub("spec")
	a := &App{Meta: meta, Tasks: l.stageTasks(s, raw.Spec.PreDeploymentTasks, raw.Spec.PostDeploymentTasks, nil)}
	a.AppVersion = required(l, raw.Spec.Version, s, "version").Value
	if raw.Spec.Version != nil && a.AppVersion == "" {
		l.fail(s.At("version"), "required", "", "spec.version is empty")
	}
	if r := raw.Spec.Revision; r != nil && *r < 0 {
		l.fail(s.At("revision"), "out-of-range", "", "spec.revision must be 0 or more, not %d", *r)
	}
	for s, w := range sound(l, s.sub("workloads"), raw.Spec.Workloads) {
		if w.Name == "" || w.Version == "" {
			l.fail(s.At(), "required", "", "%s needs a name and a version", s.At().Field)
		}
		a.Workloads = append(a.Workloads, WorkloadRef{w.Name, w.Version, s.At()})
	}
	if ok && l.remember(meta) {
		l.manifests.Apps = append(l.manifests.Apps, a)
	}
}

func (l *loader) appContext() {
	var raw api.AppContext
	l.decode(&raw)
	meta, ok := l.meta(raw.Header)
	s := l.cursor().sub("spec")
	c := &AppContext{
		Meta:     meta,
		Tasks:    l.stageTasks(s, raw.Spec.PreDeploymentTasks, raw.Spec.PostDeploymentTasks, raw.Spec.PromotionTasks),
		Metadata: pairs(raw.Spec.Metadata, s.sub("metadata")),
	}
	if ok && l.remember(meta) {
		l.manifests.AppContexts = append(l.manifests.AppContexts, c)
	}
}

func (l *loader) stageTasks(s cursor, pre, post, promotion []string) StageTasks {
	t := StageTasks{
		Pre:       l.names(s.sub("preDeploymentTasks"), pre),
		Post:      l.names(s.sub("postDeploymentTasks"), post),
		Promotion: l.names(s.sub("promotionTasks"), promotion),
	}
	for _, field := range []string{"preDeploymentEvaluations", "postDeploymentEvaluations"} {
		if list := s.find(field); s.Given(field) && len(list.Values) > 0 {
			t.Evaluations = append(t.Evaluations, s.At(field))
		}
	}
	return t
}

func (l *loader) names(s cursor, values []string) []Name {
	var all []Name
	for item, name := range sound(l, s, values) {
		all = append(all, Name{name, item.At()})
	}
	return all
}

// config reads blockDeployment. The other fields configure the operator.
func (l *loader) config() {
	var raw struct {
		api.Header `json:",inline"`
		Spec       map[string]any `json:"spec"`
		Status     any            `json:"status"`
	}
	l.decode(&raw)
	meta, ok := l.meta(raw.Header)
	c := &Config{Meta: meta}
	s := l.cursor().sub("spec", "blockDeployment")
	if s.Given() {
		var block bool
		if err := json.Unmarshal([]byte(s.root.Text), &block); err != nil || s.root.Kind != yamltree.Bool {
			l.fail(s.At(), "wrong-type", "", "spec.blockDeployment must be a boolean, not %s", s.root.Kind)
		}
		c.BlockDeployment = given(&block, s)
	}
	if ok && l.remember(meta) {
		l.manifests.Configs = append(l.manifests.Configs, c)
	}
}
