package command_test

import (
	"strings"
	"testing"
)

// colorVariables are the variables that say whether to use colors.
var colorVariables = []string{"NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "TERM"}

// TestColors checks when the problems of validate, which are on stderr, have colors.
func TestColors(t *testing.T) {
	for name, test := range map[string]struct {
		env      string
		settings string
		args     []string
		pipe     bool
		want     bool
	}{
		"terminal":                         {want: true},
		"pipe":                             {pipe: true},
		"NO_COLOR":                         {env: "NO_COLOR=1"},
		"NO_COLOR and FORCE_COLOR":         {env: "NO_COLOR=1 FORCE_COLOR=1"},
		"CLICOLOR=0":                       {env: "CLICOLOR=0"},
		"CLICOLOR=1 in a pipe":             {env: "CLICOLOR=1", pipe: true},
		"CLICOLOR_FORCE in a pipe":         {env: "CLICOLOR_FORCE=1", pipe: true, want: true},
		"CLICOLOR_FORCE=0":                 {env: "CLICOLOR_FORCE=0", want: true},
		"CLICOLOR_FORCE over CLICOLOR":     {env: "CLICOLOR=0 CLICOLOR_FORCE=1", want: true},
		"FORCE_COLOR in a pipe":            {env: "FORCE_COLOR=3", pipe: true, want: true},
		"FORCE_COLOR=0":                    {env: "FORCE_COLOR=0"},
		"FORCE_COLOR=false":                {env: "FORCE_COLOR=false"},
		"TERM=dumb":                        {env: "TERM=dumb"},
		"FORCE_COLOR over TERM=dumb":       {env: "TERM=dumb FORCE_COLOR=1", want: true},
		"--no-color over FORCE_COLOR":      {env: "FORCE_COLOR=1", args: []string{"--no-color"}},
		"--no-color=false over NO_COLOR":   {env: "NO_COLOR=1", args: []string{"--no-color=false"}, want: true},
		"the file":                         {settings: "no-color: true\n"},
		"FORCE_COLOR over the file":        {env: "FORCE_COLOR=1", settings: "no-color: true\n", want: true},
		"--no-color=false over the file":   {settings: "no-color: true\n", args: []string{"--no-color=false"}, want: true},
		"--no-color=false in a pipe":       {args: []string{"--no-color=false"}, pipe: true},
		"--no-color=false with CLICOLOR=0": {env: "CLICOLOR=0", args: []string{"--no-color=false"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, map[string]string{"a.yaml": "x: 1\n", ".ktask.yaml": test.settings})
			for _, name := range colorVariables {
				t.Setenv(name, "")
			}
			for pair := range strings.FieldsSeq(test.env) {
				name, value, _ := strings.Cut(pair, "=")
				t.Setenv(name, value)
			}
			s.term, s.outTerm = !test.pipe, test.pipe // stdout does not matter
			o := s.ktask(append([]string{"validate", "a.yaml"}, test.args...)...).exits(2)
			if got := strings.Contains(o.err, "\x1b["); got != test.want || !strings.Contains(o.err, "error:") {
				t.Errorf("colors: %v, want %v: %q", got, test.want, o.err)
			}
		})
	}
}

// TestColorsOfARun runs two tasks, whose names ktask puts before the lines of stdout, with each stream on a terminal or not.
func TestColorsOfARun(t *testing.T) {
	for _, name := range colorVariables {
		t.Setenv(name, "")
	}
	s := newShell(t, map[string]string{"a.yaml": hello, "b.yaml": caller})
	s.engine = passing()
	colored := func(args ...string) (out, err bool) {
		o := s.ktask(append([]string{"run", "-t", "hello,caller", "a.yaml", "b.yaml"}, args...)...).exits(0).says("printed")
		return strings.Contains(o.out, "\x1b"), strings.Contains(o.err, "\x1b")
	}
	for _, form := range []string{"auto", "plain"} {
		s.outTerm, s.term = true, true
		if out, err := colored("-o", form); !out || !err {
			t.Errorf("%s on a terminal: stdout %v, stderr %v", form, out, err)
		}
		s.outTerm = false
		if out, _ := colored("-o", form); out {
			t.Errorf("%s: escapes on stdout, which is not a terminal", form)
		}
		s.outTerm, s.term = true, false
		if _, err := colored("-o", form); err {
			t.Errorf("%s: escapes on stderr, which is not a terminal", form)
		}
	}
	// A single task's stdout has only its own bytes, so stderr keeps its colors.
	s.outTerm, s.term = false, true
	if o := s.ktask("run", "-o", "plain", "a.yaml").exits(0); o.out != "printed\n" || !strings.Contains(o.err, "\x1b[") {
		t.Errorf("stdout %q, stderr %q", o.out, o.err)
	}
	if o := s.ktask("run", "-o", "plain", "--timestamps", "a.yaml").exits(0); strings.Contains(o.out, "\x1b") {
		t.Errorf("stdout %q", o.out)
	}
	t.Setenv("TERM", "dumb")
	s.outTerm = true
	if o := s.ktask("run", "a.yaml", "b.yaml", "-t", "hello,caller").exits(0); strings.Contains(o.out+o.err, "\x1b") {
		t.Errorf("escapes on a dumb terminal: %q", o.out+o.err)
	}
}
