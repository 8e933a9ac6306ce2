package owner

import (
	"os"
	"strings"
	"testing"
)

func TestSelf(t *testing.T) {
	self := Self()
	text := self.String()
	again, ok := Parse(text)
	if !ok || again != self {
		t.Errorf("%q is read back as %+v", text, again)
	}
	if got := Self().Judge(again); got != Alive {
		t.Errorf("this very process, %q, is %v", text, got)
	}
	if name, err := os.Hostname(); err != nil || strings.Contains(text, name) {
		t.Errorf("%q gives the name of the machine away, %v", text, err)
	}
}

func TestParse(t *testing.T) {
	for _, text := range []string{
		"", "test", "host 12 34", "v1 m b s 0 1", "v1 m b s -1 1", "v1 m b s x 1", "v1 m b s 1", "v1 m b s 1 2 3", "v2 m b s 1 2", "v1  m b s 1 2",
	} {
		if p, ok := Parse(text); ok {
			t.Errorf("%q is read as %+v", text, p)
		}
	}
	empty := Process{PID: 7}
	if p, ok := Parse(empty.String()); !ok || p != empty || empty.String() != "v1 - - - 7 -" {
		t.Errorf("%q is read as %+v", empty, p)
	}
}

// TestJudge is about processes of which this system knows nothing: only a former kernel's are dead.
func TestJudge(t *testing.T) {
	self := Process{Machine: "m", Boot: "b", Space: initialSpace, PID: 1, Start: "1"}
	inside := self
	inside.Space = "4026532000"
	for name, c := range map[string]struct {
		self, other Process
		want        Fate
	}{
		"before a reboot":                 {self, Process{"m", "former", initialSpace, 1, "1"}, Dead},
		"another machine":                 {self, Process{"n", "c", initialSpace, 1, "1"}, Unknown},
		"a container before a reboot":     {self, Process{"m", "former", "4026532000", 1, "1"}, Unknown},
		"a container elsewhere, from one": {inside, Process{"m", "c", "4026532000", 1, "1"}, Unknown},
		"a container here":                {self, Process{"m", "b", "4026532000", 1, "1"}, Unknown},
		"from a container":                {inside, Process{"m", "b", "4026532001", 1, "1"}, Unknown},
		"machines without an id":          {Process{"", "b", initialSpace, 1, "1"}, Process{"", "c", initialSpace, 1, "1"}, Unknown},
		"no start":                        {self, Process{"m", "former", initialSpace, 1, ""}, Unknown},
		"nothing known":                   {Process{}, Process{PID: 1, Start: "1"}, Unknown},
		"absolute starts, other machine":  {Process{"m", "", "", 1, "1"}, Process{"n", "", "", 1, "1"}, Unknown},
	} {
		if initialSpace == "" && strings.Contains(name, "container") {
			continue // there are no such namespaces on this system
		}
		if got := c.self.Judge(c.other); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
