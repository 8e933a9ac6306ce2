package command_test

import (
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// TestRefusedOnACluster: what only an engine on this machine has is refused before an engine is made.
func TestRefusedOnACluster(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello})
	for _, args := range [][]string{
		{"--mount", ".:/x"}, {"--network", "none"}, {"--compose", "shop"}, {"--platform", "linux/arm64"}, {"--keep", "failed"}, {"--warm", "1"},
		{"--host", "tcp://a"}, {"--docker-context", "a"},
	} {
		o := s.ktask(append([]string{"run", "--engine", "kubernetes", "a.yaml"}, args...)...).exits(2).says(args[0] + ": not with --engine kubernetes: ")
		if o.engineAsked {
			t.Errorf("%v: an engine was made", args)
		}
	}
	s.ktask("shell", "--engine", "kubernetes", "a.yaml").exits(2)
	s.ktask("images", "--engine", "kubernetes", "a.yaml").exits(2).says("the nodes of a cluster pull their images themselves")
	s.ktask("run", "--engine", "kubernetes", "--keep", "never", "--warm", "0", "a.yaml").exits(3).says("no engine in this test")
	o := s.ktask("run", "--engine", "kubernetes", "--kube-context", "c", "--kube-namespace", "n", "--kubeconfig", "f", "a.yaml").exits(3).engine
	if o.Name != "kubernetes" || o.Cluster.Context != "c" || o.Cluster.Namespace != "n" || len(o.Cluster.Kubeconfigs) != 1 || o.Cluster.Kubeconfigs[0] != "f" {
		t.Errorf("the engine's options are %+v", o)
	}
}

// TestHostNamesOnACluster: a note says that a task names host.docker.internal, which a cluster does not know.
func TestHostNamesOnACluster(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": header + "metadata: {name: calls}\nspec: {container: {name: c, image: 'b:1', args: ['http://host.docker.internal:80']}}\n"})
	s.engine = &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt { return enginetest.Exits(0, time.Millisecond) }}
	s.ktask("run", "--engine", "kubernetes", "a.yaml").exits(0).says("note: task calls names host.docker.internal, which a cluster does not know\n")
	s.ktask("run", "--engine", "kubernetes", "-q", "a.yaml").exits(0).hides("note")
	s.ktask("run", "a.yaml").exits(0).hides("note: task calls")
}
