package engine_test

import (
	"errors"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// TestImagesThatCannotBePulled holds what the remedies of a failed pull are for each kind of task.
func TestImagesThatCannotBePulled(t *testing.T) {
	login, never := engine.Remedy{Text: "docker login x.io"}, engine.Remedy{Text: "docker pull x"}
	for _, test := range []struct {
		task   plan.Task
		reason engine.Reason
		remedy engine.Remedy
		want   engine.Remedy
	}{
		{plan.Task{Runtime: plan.RuntimeDeno, Container: plan.Container{ImageOrigin: plan.Default}}, engine.ImageUnauthorized, login, engine.Remedy{Option: engine.OptionDeno}},
		{plan.Task{Runtime: plan.RuntimePython, Container: plan.Container{ImageOrigin: plan.Default}}, engine.ImagePullFailed, login, engine.Remedy{Text: login.Text, Option: engine.OptionPython}},
		{plan.Task{Runtime: plan.RuntimeDeno, Container: plan.Container{ImageOrigin: plan.Default}}, engine.ImagePullFailed, engine.Remedy{Text: "wait", Option: engine.OptionImage}, engine.Remedy{Text: "wait", Option: engine.OptionDeno}},
		{plan.Task{Runtime: plan.RuntimeDeno, Container: plan.Container{ImageOrigin: plan.Default, PullPolicy: plan.PullNever}}, engine.ImageNotFound, never, engine.Remedy{Text: never.Text, Option: engine.OptionDeno}},
		{plan.Task{Runtime: plan.RuntimeDeno, Container: plan.Container{ImageOrigin: plan.Default}}, engine.ImageNotFound, engine.Remedy{Option: engine.OptionPlatform}, engine.Remedy{Option: engine.OptionPlatform}},
		{plan.Task{Runtime: plan.RuntimeDeno, Container: plan.Container{ImageOrigin: plan.Flag("deno-image")}}, engine.ImageUnauthorized, login, login},
		{plan.Task{Runtime: plan.RuntimeContainer, Container: plan.Container{ImagePullSecrets: []string{"a"}}}, engine.ImageUnauthorized, login, engine.Remedy{Text: login.Text, Option: engine.OptionSecrets}},
		{plan.Task{Runtime: plan.RuntimeContainer, Container: plan.Container{ImagePullSecrets: []string{"a"}, PullCredentials: make([]plan.PullCredential, 1)}}, engine.ImageUnauthorized, login, login},
		{plan.Task{Runtime: plan.RuntimeDeno, Container: plan.Container{ImageOrigin: plan.Default}}, engine.EngineUnavailable, login, login},
	} {
		fake := &enginetest.Fake{Images: map[string]enginetest.Pull{"": {Err: &engine.Error{Reason: test.reason, Err: errors.New("x"), Remedy: test.remedy}}}}
		test.task.Name = "t"
		result, err := engine.Runner{Engine: fake, Parallel: 1}.Run(t.Context(), plan.Plan{Tasks: []plan.Task{test.task}})
		if err != nil || result.Tasks[0].Remedy != test.want {
			t.Errorf("%+v: remedy %+v, want %+v; error %v", test.task, result.Tasks[0].Remedy, test.want, err)
		}
	}
}
