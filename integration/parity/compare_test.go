package parity

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// observe returns what an Observer sees of a task.
func observe(semantics plan.Semantics, r engine.TaskResult, lines ...string) Facts {
	o := NewObserver(semantics)
	r.Name = "t"
	o.Emit(engine.AttemptStarted{Header: engine.Header{Task: "t", Attempt: 1}, Of: 2})
	for _, line := range lines {
		o.Emit(engine.OutputLine{Header: engine.Header{Task: "t", Attempt: 1}, Line: line})
	}
	o.Emit(engine.TaskFinished{Header: engine.Header{Task: "t"}, Result: r})
	return o.Facts()["t"]
}

func TestFactsOfATask(t *testing.T) {
	passed := engine.TaskResult{Status: engine.Passed, Attempts: []engine.AttemptResult{{Number: 1, Message: "m"}}}
	got := observe(plan.Local, passed, "env A: b: c", "env HOSTNAME: t", "env EMPTY: ", "env KUBERNETES_PORT: 1", "limit memory.max: 9223372036854771712", "process oom_score_adj: 987", "other")
	want := Facts{"status": "passed", "exit codes": "0", "message of start 1": "m", "env A": "b: c", "env HOSTNAME": "TASK", "env EMPTY": "", "env KUBERNETES_*": "set",
		"limit memory.max": "unlimited", "process oom_score_adj": "between 1 and 999", "output": "other\n"}
	if !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestLastStart: the last start of a task that a Job ends is a race, and is not compared.
func TestLastStart(t *testing.T) {
	failed := engine.TaskResult{Status: engine.Failed, Reason: engine.BackoffLimitExceeded, Message: `pod "ktask-fails-77-task-1-abcde"`,
		Attempts: []engine.AttemptResult{{Number: 1, ExitCode: 137, OOMKilled: true}, {Number: 2, ExitCode: 3, Message: "x"}}}
	for semantics, want := range map[plan.Semantics]string{plan.Local: "137 (out of memory), 3", plan.Cluster: "137 (out of memory), last"} {
		f := observe(semantics, failed)
		if _, compared := f["message of start 2"]; f["exit codes"] != want || compared != (semantics == plan.Local) || strings.Contains(f["message"], "77") {
			t.Errorf("%s: %q", semantics, f)
		}
	}
	failed.Attempts = failed.Attempts[:1] // it never began
	if f := observe(plan.Cluster, failed); f["exit codes"] != "137 (out of memory), last" {
		t.Errorf("%q", f)
	}
}

// TestDifferencesAreExplained: both steps of a difference need a rule.
func TestDifferencesAreExplained(t *testing.T) {
	side := func(seccomp, message, directory string) map[string]Facts {
		return map[string]Facts{"t": {"process Seccomp": seccomp, "message": message, "process directory": directory, "status": "passed"}}
	}
	differences, counts := Sides{side("2", "a", "/"), side("2", "b", "/"), side("0", "c", "/x")}.Compare()
	got := map[string][]string{}
	for _, d := range differences {
		got[d.What] = d.Headings
	}
	want := map[string][]string{"process Seccomp": {"Surroundings of a process"}, "message": nil, "process directory": nil}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("explained: %q, want %q", got, want)
	}
	if counts["process"] != (Count{Facts: 2}) || counts["status"] != (Count{1, 1}) {
		t.Errorf("counts %v", counts)
	}
	if unused := Unused(differences); slices.ContainsFunc(unused, func(e Explanation) bool { return strings.Contains(e.What, "Seccomp") }) || len(unused) == 0 {
		t.Errorf("unused: %v", unused)
	}
}

// TestMissingIsNotEmpty: a variable that is empty differs from one that is not there.
func TestMissingIsNotEmpty(t *testing.T) {
	differences, _ := Sides{{"t": {"env A": ""}}, {"t": {}}, {"t": {"env A": ""}}}.Compare()
	if len(differences) != 1 || differences[0].Values != [3]string{"(empty)", "", "(empty)"} {
		t.Errorf("%+v", differences)
	}
}

func TestRenderCutsAndCounts(t *testing.T) {
	differences := []Difference{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		differences = append(differences, Difference{Definition: name, What: "message of start 2", Values: [3]string{"", strings.Repeat("ä", 80) + "|" + name, "x|\n" + name}})
	}
	want := "| a; b; c; d and 1 more | message of start | – | " + strings.Repeat("ä", 60) + `… | x\| ⏎ a; x\| ⏎ b; x\| ⏎ c and 2 more |  |` + "\n"
	if rows := (Sides{}).rowsOf(differences); len(rows) != 1 || rows[0] != want {
		t.Errorf("%q, want %q", rows, want)
	}
}

// TestEveryKindIsCounted: the numbers of the page add up.
func TestEveryKindIsCounted(t *testing.T) {
	for _, line := range []string{"env A: x", "process Uid: 0", "limit pids.max: 1", "sysctl a: 1", "mount /d: rw", "file /d: 755", "size /d: 1", "write /d: 0", "sha256 A: 1", "allowed uid: no", "free"} {
		r := engine.TaskResult{Status: engine.Failed, Reason: "r", Message: "m", Attempts: []engine.AttemptResult{{Number: 1, ExitCode: 1}}}
		_, counts := Sides{{"t": observe(plan.Local, r, line)}}.Compare()
		for kind := range counts {
			if !slices.ContainsFunc(kinds, func(k struct{ name, words string }) bool { return k.name == kind }) {
				t.Errorf("%q has no words", kind)
			}
		}
	}
}

func TestLongBeginningsAreCut(t *testing.T) {
	long := strings.Repeat("word ", 12)
	got := withoutPrefix([3]string{long + "of 5s", long + "of 30s", long})
	if want := [3]string{"…word word word word of 5s", "…word word word word of 30s", "…word word word word "}; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if short := [3]string{"a b", "a c", ""}; withoutPrefix(short) != short {
		t.Errorf("%q", withoutPrefix(short))
	}
}
