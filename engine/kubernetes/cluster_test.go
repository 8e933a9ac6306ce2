//go:build cluster

package kubernetes_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/kubernetes"
	"github.com/ktask/ktask/engine/plan"
)

// busybox is an image that `make cluster` copies to the node.
const busybox = "ktask.local/busybox:dev"

func connect(t testing.TB, o kubernetes.Options) *kubernetes.Engine {
	t.Helper()
	if os.Getenv("KUBECONFIG") == "" {
		t.Fatal("run `make test-cluster`: these tests are for its cluster alone")
	}
	e, err := kubernetes.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestConformance runs the conformance suite of all engines.
func TestConformance(t *testing.T) {
	e := connect(t, kubernetes.FromEnv())
	enginetest.Conformance(t, func(testing.TB) enginetest.Fixture {
		return enginetest.Fixture{
			Engine:    e,
			OneStream: true,
			Container: func(a enginetest.Attempt) plan.Container {
				c := enginetest.Shell(a)
				c.Image, c.PullPolicy, c.Grace = busybox, plan.PullNever, time.Minute
				return c
			},
			MissingImage: func() plan.Container {
				return plan.Container{Image: "ktask.local/missing:dev", PullPolicy: plan.PullNever}
			},
			Left: func(ctx context.Context, run string) ([]string, error) {
				left, err := e.Leftovers(ctx, run)
				var names []string
				for _, l := range left {
					names = append(names, l.Kind+" "+l.Name)
				}
				return names, err
			},
		}
	})
}
