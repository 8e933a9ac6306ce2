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
	// App and Workload are names. That of a workload is the name of its KeptnWorkload ("app-name"), with or without the app.
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
	apps := chosenApps(r.collector, o, findApps(r, m))
	warnEvaluations(r.collector, apps)
	taken := map[string]bool{}
	var all, found []string
	for _, a := range apps {
		for _, s := range o.stages(a) {
			p.Stages = append(p.Stages, s.Stage)
			for _, name := range once(r.collector, s.tasks) {
				full := s.taskName(name.Value, taken)
				all = append(all, full)
				matching := r.tasks.matching(name.Value, full)
				if len(r.options.Tasks) > 0 && len(matching) == 0 {
					continue
				}
				found = append(found, matching...)
				if task, ok := stageTask(r, s, name); ok {
					task.Name = full
					p.Tasks = append(p.Tasks, task)
				}
			}
		}
	}
	for _, pattern := range r.tasks {
		if len(apps) > 0 && !slices.Contains(found, pattern) {
			r.fail(spec.Pos{}, "no-such-task", nearOrAll(pattern, all), "the selected stages have no task %q", pattern)
		}
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

// chosenApps returns the apps that the options select, with the selected workloads.
func chosenApps(c *collector, o Lifecycle, all []app) []app {
	var appNames, workloadNames []string
	var chosen []app
	for _, a := range all {
		appNames = append(appNames, a.name)
		if o.App != "" && a.name != objectName(o.App) {
			continue
		}
		if o.Workload != "" {
			for _, w := range a.workloads {
				workloadNames = append(workloadNames, w.object())
			}
			a.workloads = filter(a.workloads, func(w workload) bool {
				return w.object() == objectName(o.Workload) || w.name == objectName(o.Workload)
			})
			if len(a.workloads) == 0 {
				continue
			}
		}
		chosen = append(chosen, a)
	}
	switch {
	case len(chosen) > 0:
		return distinct(chosen)
	case o.App != "" && !slices.Contains(appNames, objectName(o.App)):
		c.fail(spec.Pos{}, "no-such-app", nearOrAll(o.App, appNames), "there is no app %q among the manifests", o.App)
	case o.Workload != "":
		c.fail(spec.Pos{}, "no-such-workload", nearOrAll(o.Workload, workloadNames), "there is no workload %q among the manifests", o.Workload)
	case c.errors == 0: // otherwise a workload was reported
		c.fail(spec.Pos{}, "no-app", "annotate a workload with keptn.sh/workload, or add a KeptnApp", "the manifests contain no app and no workload that Keptn would see")
	}
	return nil
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

// includesWorkloads reports whether a stage of the workloads is selected: pre or post. With --app, --stage names a stage of the app.
func (l Lifecycle) includesWorkloads(stage string) bool {
	return l.Stage == "" || l.Stage == stage && (l.App == "" || l.Workload != "")
}

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

// stageTask returns the plan of a task that the operator would generate for a stage, in the namespace of the app.
func stageTask(r *resolver, s stage, name spec.Name) (plan.Task, bool) {
	d, ok := require(r, r.index.definitions, name.Value, r.index.namespaces(s.app.namespace), name.Pos,
		"stage %s would stay Pending forever in a cluster: it needs", s.ID)
	if !ok {
		return plan.Task{}, false
	}
	task, ok := buildTask(r, use{definition: d, generated: &generated{s.app.namespace, generatedContext(s)}})
	task.Stage = s.ID
	return task, ok
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

// warnEvaluations warns once that evaluations are not run.
func warnEvaluations(c *collector, apps []app) {
	for _, a := range apps {
		places := slices.Clone(a.tasks.Evaluations)
		for _, w := range a.workloads {
			places = append(places, w.evaluations...)
		}
		if len(places) > 0 {
			c.warn(places[0], "evaluations", "", "evaluations are not run: they query the metrics of a cluster")
			return
		}
	}
}

// skipPromotion records the promotion tasks as skipped, as they are by default in a cluster.
func skipPromotion(apps []app, p *plan.Plan) {
	for _, a := range apps {
		for _, n := range a.tasks.Promotion {
			p.Skipped = append(p.Skipped, plan.Skipped{Name: n.Value, Reason: "promotion runs with --promotion or --stage promotion only"})
		}
	}
}
