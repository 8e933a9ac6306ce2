package command_test

import "testing"

// TestComposeFlag: an empty name is a variable that is not set, and a file that came with a repository joins no network of the
// machine.
func TestComposeFlag(t *testing.T) {
	s := newShell(t, map[string]string{"a.yaml": hello})
	s.ktask("plan", "a.yaml", "--compose", "").exits(2).says("--compose takes the name of a compose project")
	s.ktask("plan", "a.yaml", "--compose", "shop", "--network", "none").exits(2).says("name two networks")
	s.ktask("plan", "-o", "json", "a.yaml", "--compose", "shop").exits(0)
	s = newShell(t, map[string]string{"a.yaml": hello, ".ktask.yaml": "compose: shop\n"})
	s.ktask("plan", "a.yaml").exits(2).says(".ktask.yaml:1:1: error: compose \"shop\"", "[untrusted]")
}

func TestVersionTakesNoArguments(t *testing.T) {
	s := newShell(t, nil)
	s.ktask("version", "x").exits(2).says(`not "x"`)
	s.ktask("version", "-o", "xml").exits(2).says("--output takes text or json")
	s.ktask("version", "-o", "json").exits(0)
}
