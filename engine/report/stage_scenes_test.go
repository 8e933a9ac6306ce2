package report_test

import (
	"slices"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// deployment has all stages of an app with two workloads; one stage has no tasks, one task no stage.
func deployment() scene {
	tasks := []plan.Task{
		of("podtato-head/app-pre", task("podtato-head/pre/check", 1, 0)),
		of("podtato-head/app-pre", task("podtato-head/pre/notify", 10, 0)),
		of("podtato-head-entry/workload-pre", task("podtato-head-entry/pre/lint", 20, 0)),
		of("podtato-head-server/workload-pre", task("podtato-head-server/pre/migrate", 30, 1)),
		of("podtato-head-server/workload-post", task("podtato-head-server/post/smoke", 40, 0)),
		of("podtato-head/promotion", task("podtato-head/promotion/announce", 50, 0)),
		task("alone", 60, 0),
	}
	return scene{
		runner: engine.Runner{Parallel: 9},
		tasks:  tasks,
		stages: lifecycle(),
		fake: &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{
			"podtato-head/pre/check":          {enginetest.Exits(0, 412*ms, enginetest.Out("ok"))},
			"podtato-head/pre/notify":         {enginetest.Exits(0, 100*ms, enginetest.Out("told"))},
			"podtato-head-entry/pre/lint":     {enginetest.Exits(0, 50*ms, enginetest.Out("clean"))},
			"podtato-head-server/pre/migrate": {enginetest.Exits(1, 30*ms), enginetest.Exits(0, 41*ms, enginetest.Out("3 tables"))},
			"podtato-head-server/post/smoke":  {enginetest.Exits(0, 3*second, enginetest.Out("200 OK"))},
			"podtato-head/promotion/announce": {enginetest.Exits(0, 7*ms)},
			"alone":                           {enginetest.Exits(0, 9*second)},
		}},
	}
}

// lifecycle returns the stages of an app in the order of package resolve.
func lifecycle() []plan.Stage {
	const app, entry, server = "podtato-head", "podtato-head-entry", "podtato-head-server"
	return []plan.Stage{
		{ID: app + "/app-pre", Name: plan.AppPre, App: app},
		{ID: entry + "/workload-pre", Name: plan.WorkloadPre, App: app, Workload: entry, Needs: []string{app + "/app-pre"}},
		{ID: server + "/workload-pre", Name: plan.WorkloadPre, App: app, Workload: server, Needs: []string{app + "/app-pre"}},
		{ID: entry + "/workload-post", Name: plan.WorkloadPost, App: app, Workload: entry, Needs: []string{entry + "/workload-pre"}},
		{ID: server + "/workload-post", Name: plan.WorkloadPost, App: app, Workload: server, Needs: []string{server + "/workload-pre"}},
		{ID: app + "/app-post", Name: plan.AppPost, App: app, Needs: []string{entry + "/workload-post", server + "/workload-post"}},
		{ID: app + "/promotion", Name: plan.Promotion, App: app, Needs: []string{app + "/app-post"}},
	}
}

func of(stage string, t plan.Task) plan.Task {
	t.Stage = stage
	return t
}

// stopped is a deployment that two tasks stop: one fails while another of its stage runs, one times out in another
// workload.
func stopped() scene {
	s := deployment()
	s.tasks = s.tasks[:len(s.tasks)-1]
	slow := &s.tasks[2]
	slow.Timeout = 250 * ms
	s.tasks = slices.Insert(s.tasks, 4, of("podtato-head-server/workload-pre", task("podtato-head-server/pre/dump", 35, 0)))
	s.fake.Tasks["podtato-head-entry/pre/lint"] = []enginetest.Attempt{{Takes: enginetest.Forever, StopTakes: 5 * ms}}
	s.fake.Tasks["podtato-head-server/pre/migrate"] = []enginetest.Attempt{
		enginetest.Exits(1, 30*ms), enginetest.Exits(3, 41*ms, enginetest.Err("no table")),
	}
	s.fake.Tasks["podtato-head-server/pre/dump"] = []enginetest.Attempt{enginetest.Exits(0, 4*second, enginetest.Out("dumped"))}
	return s
}

// nonBlocking is the same if failures do not block the deployment.
func nonBlocking() scene {
	s := stopped()
	s.nonBlocking = true
	s.notChecked = []string{"evaluations are not run"}
	return s
}

// stageCut is a deployment that the user interrupts in its second stage.
func stageCut() scene {
	s := deployment()
	s.tasks = s.tasks[:len(s.tasks)-1]
	s.interrupt = 2 * second
	s.fake.Tasks["podtato-head-server/pre/migrate"] = []enginetest.Attempt{{Takes: enginetest.Forever, StopTakes: 5 * ms}}
	return s
}

// warnedCut is a deployment that the user interrupts in a stage with a failed task that does not block: the next stage
// runs already.
func warnedCut() scene {
	s := nonBlocking()
	s.interrupt = second
	s.fake.Tasks["podtato-head-server/pre/migrate"] = []enginetest.Attempt{{Takes: enginetest.Forever, StopTakes: 5 * ms}}
	s.fake.Tasks["podtato-head-server/pre/dump"] = []enginetest.Attempt{enginetest.Exits(3, 100*ms)}
	s.fake.Tasks["podtato-head-server/post/smoke"] = []enginetest.Attempt{{Takes: enginetest.Forever, StopTakes: 3 * ms}}
	return s
}

// lonelyStage is one task of one stage, as with ktask run --stage post --workload: no deployment comes before it.
func lonelyStage() scene {
	t := of("podtato-head-server/workload-post", task("smoke", 1, 0))
	stage := lifecycle()[4]
	stage.Needs = nil
	return scene{tasks: []plan.Task{t}, stages: []plan.Stage{stage}, fake: &enginetest.Fake{Tasks: map[string][]enginetest.Attempt{
		"smoke": {enginetest.Exits(0, 412*ms, enginetest.Out("200 OK"))},
	}}}
}

// emptyStage is a stage without tasks.
func emptyStage() scene {
	s := lonelyStage()
	s.tasks = nil
	return s
}

// notChecked is a passed stage of a deployment that Keptn might not let proceed.
func notChecked() scene {
	s := lonelyStage()
	s.notChecked = []string{"evaluations are not run", "Keptn would wait forever for workload podtato-head-hat of app podtato-head"}
	return s
}
