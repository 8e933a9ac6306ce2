package docker_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

func TestEngineThatGoesAwayIsLost(t *testing.T) {
	direct := connect(t, docker.Options{})
	w := engines.NewWire(t, engines.Machine())
	e := connect(t, docker.Options{Host: w.Host()})
	e.ReconnectWithin(time.Second) // the wire stays cut
	_, err := engine.Attempt(t.Context(), e, shell("echo ready; sleep 100000"), labels(t, 1), engine.SinkFunc(func(engine.Event) { w.Cut() }))
	wantReason(t, err, engine.EngineLost, w.Host())
	if !strings.Contains(err.Error(), "remove container") {
		t.Errorf("error %v does not say that the container could not be removed", err)
	}
	if _, err := e.Leftovers(t.Context(), ""); err == nil {
		t.Error("the wire is not cut")
	} else if failure, ok := errors.AsType[*engine.Error](err); !ok || failure.Reason != engine.EngineUnavailable {
		t.Errorf("afterwards: %v", err)
	}

	left, err := direct.Leftovers(t.Context(), runOf(t))
	if err != nil || len(left) != 1 {
		t.Errorf("left on the engine: %+v, error %v", left, err)
	}
	for _, l := range left {
		if err := direct.Remove(t.Context(), l); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	nothingLeft(t, direct)
}
