package enginetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// TestFakeConforms holds the fake against the contract: what a Runner's test sees must be what an engine does.
func TestFakeConforms(t *testing.T) {
	newFixture := func(testing.TB) enginetest.Fixture {
		const missing = "missing"
		// The containers' names are the keys of their scripts.
		var scripts sync.Map
		count := 0
		fake := &enginetest.Fake{
			Play: func(c plan.Container, _ engine.Labels) enginetest.Attempt {
				script, _ := scripts.Load(c.Name)
				return script.(enginetest.Attempt)
			},
			Images: map[string]enginetest.Pull{missing: {Err: &engine.Error{
				Reason: engine.ImageNotFound, Err: errors.New("no such image"), Remedy: engine.Remedy{Text: "name another"},
			}}},
		}
		var mu sync.Mutex
		return enginetest.Fixture{
			Engine: fake,
			Container: func(script enginetest.Attempt) plan.Container {
				mu.Lock()
				defer mu.Unlock()
				count++
				name := fmt.Sprint("script ", count)
				scripts.Store(name, script)
				return plan.Container{Name: name, Image: "there"}
			},
			MissingImage: func() plan.Container { return plan.Container{Image: missing} },
			Left: func(context.Context, string) ([]string, error) {
				return make([]string, fake.Left()), nil
			},
		}
	}
	enginetest.Conformance(t, newFixture)
	enginetest.VolumeConformance(t, newFixture)
}
