package local_test

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
)

// TestNode checks that a task sees the engine's machine as its node, and an address there only if it is known.
func TestNode(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	own := resolve.Node{Name: strings.ToLower(name), IP: "127.0.0.1"}
	for _, test := range []struct {
		options docker.Options
		want    resolve.Node
	}{
		{docker.Options{}, own},
		{docker.Options{Host: "unix:///run/docker.sock"}, own},
		{docker.Options{Host: "unix://relative/docker.sock"}, own},
		{docker.Options{Host: "tcp://far:2376"}, resolve.Node{Name: "far", IP: "127.0.0.1"}},
		{docker.Options{Host: "ssh://me@10.0.0.7"}, resolve.Node{Name: "10.0.0.7", IP: "10.0.0.7"}},
		{docker.Options{DefaultHost: "tcp://far:2376"}, resolve.Node{Name: "far", IP: "127.0.0.1"}},
		{docker.Options{Host: "tcp://near:1", DefaultHost: "tcp://far:1"}, resolve.Node{Name: "near", IP: "127.0.0.1"}},
	} {
		if got, onCluster := (local.EngineOptions{Options: test.options}).Node(); got != test.want || onCluster {
			t.Errorf("host %q, DOCKER_HOST %q: got %+v, want %+v", test.options.Host, test.options.DefaultHost, got, test.want)
		}
	}
	if got, onCluster := (local.EngineOptions{Name: "kubernetes"}).Node(); got != (resolve.Node{}) || !onCluster {
		t.Errorf("engine kubernetes: got %+v, %t, want an empty node and true", got, onCluster)
	}
}

// TestParallelOnACluster: the processors of this machine do not bound a run whose tasks are elsewhere.
func TestParallelOnACluster(t *testing.T) {
	for name, want := range map[string]int{"": runtime.NumCPU(), "docker": runtime.NumCPU(), "kubernetes": 16} {
		if got := local.Parallel(plan.Plan{}, local.EngineOptions{Name: name}); got != want {
			t.Errorf("engine %q: %d tasks at once, want %d", name, got, want)
		}
	}
	if got := local.Parallel(plan.Plan{Stages: []plan.Stage{{}}, Tasks: make([]plan.Task, 30)}, local.EngineOptions{Name: "kubernetes"}); got != 30 {
		t.Errorf("%d tasks of a stage at once, want all", got)
	}
}
