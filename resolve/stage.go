package resolve

import (
	"slices"
	"strings"

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

// stageUse is a task of a stage.
type stageUse struct {
	stage plan.Stage
	name  spec.Name
	// checkType is the name of the stage in the context: pre, post or promotion.
	checkType string
	app       app
	workload  *workload
}

// deployment plans the stages that the options select, each after those that it needs.
func (r *resolver) deployment(m spec.Manifests, p *plan.Plan) {
	o := r.options.Lifecycle
	p.NonBlocking = o.NonBlocking || nonBlocking(m)
	apps := r.chosenApps(r.apps(m))
	r.warnEvaluations(apps)
	taken := map[string]bool{}
	for _, a := range apps {
		stages := o.stages(a)
		p.Stages = append(p.Stages, stages...)
		for _, u := range r.stageUses(a, stages) {
			if task, ok := r.stageTask(u, taken); ok {
				p.Tasks = append(p.Tasks, task)
			}
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
func (r *resolver) chosenApps(all []app) []app {
	o := r.options.Lifecycle
	var appNames, workloadNames []string
	var chosen []app
	for _, a := range all {
		appNames = append(appNames, a.name)
		if o.App != "" && a.name != objectName(o.App) {
			continue
		}
		if o.Workload != "" {
			a.workloads = slices.DeleteFunc(slices.Clone(a.workloads), func(w workload) bool {
				workloadNames = append(workloadNames, w.object())
				return w.object() != objectName(o.Workload) && w.name != objectName(o.Workload)
			})
			if len(a.workloads) == 0 {
				continue
			}
		}
		chosen = append(chosen, a)
	}
	if len(chosen) > 0 {
		return distinct(chosen)
	}
	missing := func(kind, name string, names []string) {
		remedy := spec.DidYouMean(name, names)
		if remedy == "" && len(names) > 0 {
			remedy = "there are " + strings.Join(names, ", ")
		}
		r.fail(spec.Pos{}, "no-such-"+kind, remedy, "there is no %s %q among the manifests", kind, name)
	}
	switch {
	case o.App != "" && !slices.Contains(appNames, objectName(o.App)):
		missing("app", o.App, appNames)
	case o.Workload != "":
		missing("workload", o.Workload, workloadNames)
	case r.errors == 0: // otherwise a workload was reported
		r.fail(spec.Pos{}, "no-app", "annotate a workload with keptn.sh/workload, or add a KeptnApp", "the manifests hold no app and no workload that Keptn would see")
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

// stages returns the stages of an app in Keptn's order: app pre, each workload's pre and post, app post, promotion
// (controllers/lifecycle/keptnappversion, keptnworkloadversion). Workloads do not wait for each other.
func (l Lifecycle) stages(a app) []plan.Stage {
	var all []plan.Stage
	var last []string // the stages that the next one needs
	add := func(name string) {
		s := newStage(a, name, "", last)
		all, last = append(all, s), []string{s.ID}
	}
	ofApp := l.Workload == "" // a workload by itself has no app stages
	if ofApp && l.wants("pre") {
		add(plan.AppPre)
	}
	// With --app, --stage names a stage of the app.
	if l.Stage != "promotion" && (l.App == "" || l.Stage == "" || l.Workload != "") && len(a.workloads) > 0 {
		stages, ends := l.workloadStages(a, last)
		all, last = append(all, stages...), ends
	}
	if ofApp && l.wants("post") {
		add(plan.AppPost)
	}
	if ofApp && (l.Stage == "promotion" || l.Stage == "" && l.Promotion) {
		add(plan.Promotion)
	}
	return all
}

func (l Lifecycle) wants(stage string) bool { return l.Stage == "" || l.Stage == stage }

// workloadStages returns the pre stages of all workloads and then their post stages, and the last stage of each workload.
func (l Lifecycle) workloadStages(a app, needs []string) (stages []plan.Stage, ends []string) {
	var posts []plan.Stage
	for _, w := range a.workloads {
		last := needs
		if l.wants("pre") {
			pre := newStage(a, plan.WorkloadPre, w.object(), last)
			stages, last = append(stages, pre), []string{pre.ID}
		}
		if l.wants("post") {
			post := newStage(a, plan.WorkloadPost, w.object(), last)
			posts, last = append(posts, post), []string{post.ID}
		}
		ends = append(ends, last...)
	}
	return append(stages, posts...), ends
}

// newStage returns a stage of an app, or of a workload of it.
func newStage(a app, name, workload string, needs []string) plan.Stage {
	owner := a.name
	if workload != "" {
		owner = workload
	}
	return plan.Stage{ID: a.prefix + owner + "/" + name, Name: name, App: a.name, Workload: workload, Needs: needs}
}

// stageUses returns the tasks of the stages of an app, in the order of the stages.
func (r *resolver) stageUses(a app, stages []plan.Stage) []stageUse {
	var uses []stageUse
	for _, s := range stages {
		u := stageUse{stage: s, app: a}
		var names []spec.Name
		switch s.Name {
		case plan.AppPre:
			names, u.checkType = a.tasks.Pre, "pre"
		case plan.AppPost:
			names, u.checkType = a.tasks.Post, "post"
		case plan.Promotion:
			names, u.checkType = a.tasks.Promotion, "promotion"
		default:
			i := slices.IndexFunc(a.workloads, func(w workload) bool { return w.object() == s.Workload })
			u.workload = &a.workloads[i]
			names, u.checkType = u.workload.pre, "pre"
			if s.Name == plan.WorkloadPost {
				names, u.checkType = u.workload.post, "post"
			}
		}
		for _, name := range r.once(names) {
			if len(r.options.Tasks) == 0 || slices.Contains(r.options.Tasks, name.Value) {
				u.name = name
				uses = append(uses, u)
			}
		}
	}
	return uses
}

// once removes repeated names from a list. Keptn creates two tasks for them and then watches only one.
func (r *resolver) once(names []spec.Name) []spec.Name {
	seen := map[string]bool{}
	return filter(names, func(n spec.Name) bool {
		if seen[n.Value] {
			r.warn(n.Pos, "task-twice", "list it once", "task %q is listed twice at one stage; it runs once", n.Value)
			return false
		}
		seen[n.Value] = true
		return true
	})
}

// stageTask returns the plan of a task that the operator would generate for a stage, in the namespace of the app.
func (r *resolver) stageTask(u stageUse, taken map[string]bool) (plan.Task, bool) {
	namespaces := r.namespaces(u.app.namespace)
	d, ok := find(r.index.definitions, u.name.Value, namespaces...)
	if !ok {
		if !r.broken("KeptnTaskDefinition", u.name.Value, namespaces...) {
			r.fail(u.name.Pos, "missing-definition", missing(r.index.definitions, u.name.Value, namespaces...),
				"stage %s names KeptnTaskDefinition %q, which is not there; in a cluster the stage would stay pending forever", u.stage.ID, u.name.Value)
		}
		return plan.Task{}, false
	}
	task, ok := r.task(use{definition: d, generated: &generated{u.app.namespace, generatedContext(u)}})
	owner := u.app.prefix + u.app.name
	if u.workload != nil {
		owner = u.app.prefix + u.workload.object()
	}
	task.Name = owner + "/" + u.checkType + "/" + d.Name
	if taken[task.Name] { // a workload may have the name of its app
		task.Name = owner + "/" + u.stage.Name + "/" + d.Name
	}
	taken[task.Name] = true
	task.Stage = u.stage.ID
	return task, ok
}

// generatedContext returns the context of a task that the operator generates (GenerateTask of KeptnAppVersion and
// KeptnWorkloadVersion, and the metadata of controllers/common/task/handler.go).
func generatedContext(u stageUse) taskContext {
	c := taskContext{AppName: u.app.name, TaskType: u.checkType, ObjectType: "App", AppVersion: u.app.version}
	for _, p := range u.app.metadata {
		c.set("metadata."+p.Key, p.Value)
	}
	if w := u.workload; w != nil {
		c.ObjectType, c.AppVersion = "Workload", ""
		c.WorkloadName, c.WorkloadVersion = w.object(), w.version
		for _, p := range w.metadata {
			c.set("metadata."+p.Key, p.Value)
		}
	}
	return c
}

// warnEvaluations warns once that evaluations are not run.
func (r *resolver) warnEvaluations(apps []app) {
	for _, a := range apps {
		places := slices.Clone(a.tasks.Evaluations)
		for _, w := range a.workloads {
			places = append(places, w.evaluations...)
		}
		if len(places) > 0 {
			r.warn(places[0], "evaluations", "", "evaluations are not run: they ask the metrics of a cluster")
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
