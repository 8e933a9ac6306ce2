package command_test

import (
	"testing"
)

// TestProblemsOfTrustComeTogether: everything that is wrong in the file is told at once, each at its own place.
func TestProblemsOfTrustComeTogether(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "mount:\n- /a:/a\n- ..:/b\nhost: tcp://x\nretires: 1\nnetwork: none\nsecret:\n  x: 'env:hunter2'\n  y: '@/hunter2'\n  z: literal\n"})
	o := s.ktask("run", "a.yaml").exits(2).says(
		`.ktask.yaml:2:3: error: mount "/a:/a": reaches outside`, `.ktask.yaml:3:3: error: mount "..:/b"`, `.ktask.yaml:4:1: error: host "tcp://x"`,
		`.ktask.yaml:5:1: error: unknown key "retires"`, ".ktask.yaml:8:3: error: secret (a variable)", ".ktask.yaml:9:3: error: secret (a file)",
	).hides("hunter2", "literal", "network")
	if o.engineAsked {
		t.Error("the engine was asked")
	}
	s.ktask("validate", "a.yaml").exits(2).says("retires").hides("mount") // whose flags have none of the others
	s.ktask("trust").exits(2).says("retires")
	s.ktask("trust", "a", "b").exits(2).says("takes one directory")
	s = newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "network: none\nparallel: 2\n"})
	s.ktask("trust").exits(0).says(".ktask.yaml: nothing in it needs trust")
	s.ktask("trust", "--revoke").exits(0).says(".ktask.yaml: was not trusted")
	s = newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "host: tcp://file\n"})
	s.ktask("trust").exits(0)
	if o := s.ktask("run", "a.yaml").exits(3); o.engine.DefaultHost != "tcp://file" {
		t.Errorf("the engine of a trusted file is %+v", o.engine)
	}
	t.Setenv("DOCKER_CONTEXT", "mine")
	if o := s.ktask("run", "a.yaml").exits(3); o.engine.DefaultHost != "" || o.engine.DefaultContext != "mine" {
		t.Errorf("DOCKER_CONTEXT does not count: %+v", o.engine)
	}
}
