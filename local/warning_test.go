package local_test

import (
	"errors"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// TestRunWarnsOfOptions checks that options that no task uses are warnings, at once and in the Result.
func TestRunWarnsOfOptions(t *testing.T) {
	var warned []string
	result, err := local.Run(t.Context(), local.Options{
		Paths: []string{write(t, manifest)}, Secrets: map[string]string{"db/password": "correct horse", "unused": "battery staple"},
		Engine: &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt { return enginetest.Exits(0, 0) }},
		Warn:   func(w local.Warning) { warned = append(warned, w.String()) },
	})
	const want = "warning: option Secrets: no task that runs uses secret unused/SECURE_DATA [unused-flag]"
	if err != nil || len(warned) != 1 || warned[0] != want || len(result.Warnings) != 1 || result.Warnings[0].Code != local.Manifest {
		t.Errorf("warnings %q, result %+v, error %v", warned, result, err)
	}
	if result, err = local.Run(t.Context(), local.Options{Paths: []string{write(t, manifest)}}); err == nil || len(result.Warnings) > 0 {
		t.Errorf("errors are warnings: %+v, error %v", result.Warnings, err)
	}
}

func TestWarningsAreSentences(t *testing.T) {
	cause := errors.New("no space left")
	for _, test := range []struct {
		warning local.Warning
		want    string
	}{
		{local.Warning{Code: local.SecretTooShort, Names: []string{"a"}}, "warning: secret a is too short to hide: it will appear in the output"},
		{local.Warning{Code: local.SecretTooShort, Names: []string{"a", "b"}}, "warning: secrets a, b are too short to hide: they will appear in the output"},
		{local.Warning{Code: local.SecretKept, Names: []string{"t"}}, "warning: kept containers show the secrets of task t in clear text, in `docker logs` and `docker inspect`: remove them with `ktask clean`"},
		{local.Warning{Code: local.Unguarded, Err: cause}, "warning: no space left: if this process is killed, remove what it leaves with `ktask clean`"},
		{local.Warning{Code: local.Unclaimed, Err: cause}, "warning: no space left: if this process is killed, what it leaves is removed only when it is older than the tasks' timeouts"},
		{local.Warning{Code: local.KeptUnknown, Err: cause}, "warning: list the containers and volumes that are kept: no space left"},
	} {
		if got := test.warning.String(); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
}
