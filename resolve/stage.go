package resolve

import (
	"slices"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// Lifecycle selects tasks by their place in a deployment. The zero value selects none.
type Lifecycle struct {
	// Stage is "pre", "post" or "promotion", or "" for all stages of a deployment.
	Stage string
	// App and Workload are names. That of a workload is the name of its object ("web"), the name that Keptn reads from it, or that
	// of its KeptnWorkload ("shop-web"), with or without the namespace and a slash.
	App, Workload string
	// Promotion also runs the promotion tasks if Stage is "". A cluster does that only if it is configured to.
	Promotion bool
	// NonBlocking continues after a failed stage, like blockDeployment: false in a KeptnConfig.
	NonBlocking bool
}

func (l Lifecycle) chosen() bool { return l.Stage != "" || l.App != "" || l.Workload != "" }

// stage is a stage of an app or of one of its workloads, with its tasks.
type stage struct {
	plan.Stage
	app app
	// workload is nil for a stage of the app itself.
	workload *workload
	// checkType is the name of the stage in the context: pre, post or promotion.
	checkType string
	tasks     []spec.Name
}

// planDeployment plans the stages that the options select, each after those that it needs.
func planDeployment(r *resolver, m spec.Manifests, p *plan.Plan) {
	o := r.options.Lifecycle
	p.NonBlocking = o.NonBlocking || nonBlocking(m)
	apps := chosenApps(r.collector, o, m, findApps(r, m))
	if reportUnread(r, m) {
		p.NotChecked = append(p.NotChecked, "a workload may be unread")
	}
	for _, a := range apps {
		p.NotChecked = append(append(p.NotChecked, a.gaps...), checkListed(r, a)...)
	}
	if warnEvaluations(r.collector, apps) {
		p.NotChecked = append(p.NotChecked, "evaluations are not run")
	}
	taken := map[string]bool{}
	f := taskFilter{wanted: r.tasks}
	for _, a := range apps {
		for _, s := range o.stages(a) {
			p.Stages = append(p.Stages, s.Stage)
			for _, name := range once(r.collector, s.tasks) {
				full := s.taskName(name.Value, taken)
				if !f.names(name.Value, full) {
					continue
				}
				u, task, ok := stageTask(r, s, name)
				task.Name = full
				switch {
				case !ok:
				case !hasLabels(u.meta(), r.options.Selector):
					p.Skipped = append(p.Skipped, plan.Skipped{Name: task.Name, Reason: "its labels do not match the selector"})
				default:
					p.Tasks = append(p.Tasks, task)
				}
			}
		}
	}
	if len(apps) > 0 {
		f.report(r)
	}
	if f.skipped || len(p.Skipped) > 0 {
		p.NotChecked = append(p.NotChecked, "tasks were left out")
	}
	if o.Stage == "" && !o.Promotion {
		skipPromotion(apps, p)
	}
}

// nonBlocking reports whether a KeptnConfig sets blockDeployment to false.
func nonBlocking(m spec.Manifests) bool {
	for _, c := range m.Configs {
		if c.BlockDeployment.Given && !c.BlockDeployment.Value {
			return true
		}
	}
	return false
}

// distinct sets the prefixes of apps with the same name in several namespaces.
func distinct(apps []app) []app {
	count := map[string]int{}
	for _, a := range apps {
		count[a.name]++
	}
	for i, a := range apps {
		if count[a.name] > 1 {
			apps[i].prefix = a.namespace + "/"
		}
	}
	return apps
}

// includesApp reports whether a stage of the app itself is selected: pre, post or promotion.
func (l Lifecycle) includesApp(stage string) bool {
	switch {
	case l.Workload != "": // a workload by itself has no app stages
		return false
	case l.Stage == "":
		return stage != "promotion" || l.Promotion
	}
	return l.Stage == stage
}

// includesWorkloads reports whether a stage of the workloads is selected: pre or post.
func (l Lifecycle) includesWorkloads(stage string) bool { return l.Stage == "" || l.Stage == stage }

// stages returns the selected stages of an app in Keptn's order: app pre, each workload's pre and post, app post, promotion
// (controllers/lifecycle/keptnappversion, keptnworkloadversion). Workloads do not wait for each other.
func (l Lifecycle) stages(a app) []stage {
	var all []stage
	var last []string // the stages that the next one needs
	add := func(name, checkType string, tasks []spec.Name) {
		if l.includesApp(checkType) {
			s := newStage(a, nil, name, checkType, tasks, last)
			all, last = append(all, s), []string{s.ID}
		}
	}
	add(plan.AppPre, "pre", a.tasks.Pre)
	if stages, ends := l.workloadStages(a, last); len(stages) > 0 {
		all, last = append(all, stages...), ends
	}
	add(plan.AppPost, "post", a.tasks.Post)
	add(plan.Promotion, "promotion", a.tasks.Promotion)
	return all
}

// workloadStages returns the pre stages of all workloads and then their post stages, and the last stage of each workload.
func (l Lifecycle) workloadStages(a app, needs []string) (stages []stage, ends []string) {
	var posts []stage
	for i := range a.workloads {
		w, last := &a.workloads[i], needs
		if l.includesWorkloads("pre") {
			pre := newStage(a, w, plan.WorkloadPre, "pre", w.pre, last)
			stages, last = append(stages, pre), []string{pre.ID}
		}
		if l.includesWorkloads("post") {
			post := newStage(a, w, plan.WorkloadPost, "post", w.post, last)
			posts, last = append(posts, post), []string{post.ID}
		}
		ends = append(ends, last...)
	}
	return append(stages, posts...), ends
}

// newStage returns a stage of an app, or of a workload of it.
func newStage(a app, w *workload, name, checkType string, tasks []spec.Name, needs []string) stage {
	s := stage{Stage: plan.Stage{Name: name, App: a.name, Needs: needs}, app: a, workload: w, checkType: checkType, tasks: tasks}
	if w != nil {
		s.Workload = w.object()
	}
	s.ID = s.owner() + "/" + name
	return s
}

// owner returns the name of the app or workload, with the app's namespace if several namespaces have an app of this name.
func (s stage) owner() string {
	if s.workload != nil {
		return s.app.prefix + s.workload.object()
	}
	return s.app.prefix + s.app.name
}

// once removes repeated names from a list. Keptn creates two tasks for them and then watches only one.
func once(c *collector, names []spec.Name) []spec.Name {
	seen := map[string]bool{}
	return filter(names, func(n spec.Name) bool {
		if seen[n.Value] {
			c.warn(n.Pos, "task-twice", "list it once", "task %q is listed twice at one stage; it runs once", n.Value)
			return false
		}
		seen[n.Value] = true
		return true
	})
}

// taskName returns the name in the plan of a task of a stage, and adds it to those that are taken.
func (s stage) taskName(definition string, taken map[string]bool) string {
	name := s.owner() + "/" + s.checkType + "/" + definition
	if taken[name] { // a workload may have the name of its app
		name = s.ID + "/" + definition
	}
	taken[name] = true
	return name
}

// stageTask returns a task that the operator would generate for a stage, in the namespace of the app, and its plan.
func stageTask(r *resolver, s stage, name spec.Name) (use, plan.Task, bool) {
	d, ok := require(r, r.index.definitions, name.Value, r.index.namespaces(s.app.namespace), name.Pos,
		"stage %s would stay Pending forever in a cluster: it needs", s.ID)
	if !ok {
		return use{}, plan.Task{}, false
	}
	u := use{definition: d, generated: &generated{s.app.namespace, generatedContext(s)}}
	task, ok := buildTask(r, u)
	task.Stage = s.ID
	return u, task, ok
}

// generatedContext returns the context of a task that the operator generates (GenerateTask of KeptnAppVersion and
// KeptnWorkloadVersion, and the metadata of controllers/common/task/handler.go).
func generatedContext(s stage) taskContext {
	c := taskContext{AppName: s.app.name, TaskType: s.checkType, ObjectType: "App", AppVersion: s.app.version}
	c.setMetadata(s.app.metadata)
	if w := s.workload; w != nil {
		c.ObjectType, c.AppVersion = "Workload", ""
		c.WorkloadName, c.WorkloadVersion = w.object(), w.version
		c.setMetadata(w.metadata)
	}
	return c
}

// warnEvaluations warns once that evaluations are not run. It reports whether there are any.
func warnEvaluations(c *collector, apps []app) bool {
	for _, a := range apps {
		places := slices.Clone(a.tasks.Evaluations)
		for _, w := range a.workloads {
			places = append(places, w.evaluations...)
		}
		if len(places) > 0 {
			c.warn(places[0], "evaluations", "", "evaluations are not run: they query the metrics of a cluster")
			return true
		}
	}
	return false
}

// skipPromotion records the promotion tasks as skipped, as they are by default in a cluster.
func skipPromotion(apps []app, p *plan.Plan) {
	for _, a := range apps {
		for _, n := range a.tasks.Promotion {
			p.Skipped = append(p.Skipped, plan.Skipped{Name: n.Value, Reason: "promotion runs with --promotion or --stage promotion only"})
		}
	}
}
