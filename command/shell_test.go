package command_test

import (
	"os"
	"testing"

	"github.com/ktask/ktask/command"
	"github.com/ktask/ktask/engine/enginetest"
)

// TestShell: which task ktask shell opens, and when it opens none. The engine in this test has no terminals.
func TestShell(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello, "sub/b.yaml": secret, "hello": "a file"})
	if o := s.ktask("shell", "a.yaml").exits(2).says("ktask shell needs a terminal as its standard input and output"); o.engineAsked {
		t.Error("the engine was asked")
	}
	s.keyboard, s.engine = &command.Keyboard{}, &enginetest.Fake{}
	const opens = "this engine has no terminals"
	for _, args := range [][]string{
		{"a.yaml"}, {"a.yaml", "-t", "hello"}, {"-t", "hello"}, {"default/hello"}, {"hell*"}, {".", "-t", "hello"}, {"sub/b.yaml", "--secret", "token=value"},
	} {
		s.ktask(append([]string{"shell"}, args...)...).exits(3).says(opens)
	}
	s.ktask("shell", "--secret", "token=value").exits(2).says("ktask shell opens one task, and 2 are selected: add -t hello (or one of: secret)")
	s.ktask("shell", "nosuch").exits(2).says(`there is no KeptnTask or KeptnTaskDefinition "nosuch"`)
	s.ktask("shell", "nosuch.yaml").exits(2).says("nosuch.yaml", "no such file")
	s.ktask("shell", "-").exits(2).says("name a file in place of -")
	s.ktask("shell", "hello").exits(2).hides(opens) // a file
}

// TestShellPaths: the paths of a file that is not trusted stay in its directory, also for a task by its name.
func TestShellPaths(t *testing.T) {
	s := newShell(t, map[string]string{".ktask.yaml": "paths: [sub]\n", "sub/a.yaml": hello, "b.yaml": secret})
	s.keyboard, s.engine = &command.Keyboard{}, &enginetest.Fake{}
	s.ktask("shell").exits(3).says("this engine has no terminals")
	s.ktask("shell", "secret").exits(2).says(`there is no KeptnTask or KeptnTaskDefinition "secret"`)
	if err := os.WriteFile(".ktask.yaml", []byte("paths: [/etc]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"shell"}, {"shell", "hello"}} {
		s.ktask(args...).exits(2).says("reaches outside of this directory")
	}
}
