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
		{"--mount", ".:/x"}, {"--network", "none"}, {"--compose", "shop"}, {"--platform", "linux/arm64"}, {"--pids-limit", "5"}, {"--keep", "failed"}, {"--warm", "1"},
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

// TestPlanForACluster: plan and validate judge by the engine that a run would use, and ask none on a cluster.
func TestPlanForACluster(t *testing.T) {
	task := header + "metadata: {name: uid}\nspec: {serviceAccount: {name: sa}, container: {name: c, image: 'b:1', env: [{name: U, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}]}}\n"
	cases := "apiVersion: ktask.dev/v1\nkind: TaskTest\nmetadata: {name: t}\nspec: {task: uid, cases: [{name: passes, expect: {exitCode: 0}}]}\n"
	s := newShell(t, map[string]string{"a.yaml": task, "a.test.yaml": cases})
	s.outTerm = true
	s.ktask("plan", "a.yaml").exits(2).says("no-local-value")
	s.ktask("validate", "a.yaml").exits(2).says("no-local-value")
	o := s.ktask("plan", "--engine", "kubernetes", "--kube-context", "c", "--kube-namespace", "n", "--kubeconfig", "f", "a.yaml").exits(0).says("<metadata.uid>").hides("no-local")
	if o.engineAsked {
		t.Error("a plan for a cluster made an engine")
	}
	s.ktask("validate", "--engine", "kubernetes", "a.yaml").exits(0).hides("no-local")
	s.ktask("run", "a.yaml").exits(2).says("no-local-value")
	s.ktask("run", "--engine", "kubernetes", "a.yaml").exits(3).hides("no-local", "no effect")
	s.ktask("test", ".").exits(2).says("no-local-value")
	s.ktask("test", "--engine", "kubernetes", ".").exits(3).hides("no-local")
	s.ktask("validate", "--engine", "podman", "a.yaml").exits(2).says("--engine takes docker or kubernetes")
	s.ktask("plan", "--engine", "kubernetes", "-o", "job", "a.yaml").exits(0).says("fieldPath: metadata.uid").hides("of this machine")
	for _, form := range []string{"docker", "compose"} {
		s.ktask("plan", "--engine", "kubernetes", "-o", form, "a.yaml").exits(2).says("-o " + form + ": not with --engine kubernetes: ")
	}
	s.ktask("plan", "--engine", "kubernetes", "--network", "none", "a.yaml").exits(2).says("--network: not with --engine kubernetes: ")

	s = newShell(t, map[string]string{"a.yaml": task, ".ktask.yaml": "engine: kubernetes\n"})
	for _, command := range []string{"plan", "validate"} {
		s.ktask(command, "a.yaml").exits(2).says(`.ktask.yaml:1:1: error: engine "kubernetes"`)
	}
	s.ktask("trust").exits(0)
	for _, command := range []string{"plan", "validate"} {
		s.ktask(command, "a.yaml").exits(0)
		s.ktask(command, "--engine", "docker", "a.yaml").exits(2).says("no-local-value")
	}
}

// TestPlanAsksTrustedEngines: a plan on a terminal asks an engine for its images, but none of a file that nobody trusts.
func TestPlanAsksTrustedEngines(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "host: ssh://elsewhere\n"})
	s.outTerm = true
	if o := s.ktask("plan", "a.yaml").exits(2).says(`.ktask.yaml:1:1: error: host "ssh://elsewhere"`); o.engineAsked {
		t.Error("the engine was asked")
	}
	s.ktask("trust").exits(0)
	if o := s.ktask("plan", "a.yaml").exits(0); o.engine.DefaultHost != "ssh://elsewhere" {
		t.Errorf("the engine of a trusted file is %+v", o.engine)
	}
}
