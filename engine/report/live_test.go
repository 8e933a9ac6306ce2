package report_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
)

// terminal is a writer for a reporter that writes from several goroutines.
type terminal struct {
	mu            sync.Mutex
	written       bytes.Buffer
	columns, rows int
}

func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written.Write(p)
}

func (s *terminal) size() (columns, rows int) { return s.columns, s.rows }

// next returns what was written since the last call.
func (s *terminal) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.written.Reset()
	return s.written.String()
}

// liveAt returns a reporter on a terminal, and a function that sends an event of a task.
func liveAt(s *terminal, tasks ...string) (*report.Live, func(engine.Event)) {
	live := report.NewLive(s, s, report.Options{Tasks: tasks, OutTerminal: true, Size: s.size})
	return live, func(e engine.Event) {
		live.Emit(e)
		live.Flush()
	}
}

func begins(task string) engine.TaskStarted {
	return engine.TaskStarted{Header: engine.Header{Time: time.Now(), Task: task}, Runtime: plan.RuntimeContainer}
}

// TestLiveShowsTime: what runs is shown within a second though no event comes, and the time goes on.
func TestLiveShowsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &terminal{columns: 80, rows: 24}
		live, emit := liveAt(s, "a", "b")
		live.Start()
		defer func() { _ = live.Close() }()
		emit(begins("a"))
		if got := s.next(); got != "" {
			t.Errorf("at the beginning it shows %q", got)
		}
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if got := s.next(); got != "0/2 done · 1 running · 0s\n  a     0s  " {
			t.Errorf("after half a second it shows %q", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := s.next(); got != "\r\x1b[K\x1b[A\x1b[K0/2 done · 1 running · 1s\n  a     1s  " {
			t.Errorf("after a second more it shows %q", got)
		}
	})
}

// TestLiveErases: the lines at the bottom go before anything else is written, also if the terminal has become narrower.
func TestLiveErases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &terminal{columns: 80, rows: 24}
		live, emit := liveAt(s, "a", "b")
		emit(begins("a"))
		time.Sleep(time.Second)
		out := func(line string, partial bool) engine.OutputLine {
			return engine.OutputLine{Header: engine.Header{Time: time.Now(), Task: "a"}, Stream: engine.Stdout, Line: line, Partial: partial}
		}
		emit(out("one", false))
		const board = "0/2 done · 1 running · 1s\n  a     1s  "
		if got := s.next(); got != "a | one\n"+board+"one" {
			t.Errorf("a line: %q", got)
		}
		s.columns = 20 // the first line now has two rows
		emit(out("two", false))
		if got := s.next(); got != "\r\x1b[K\x1b[A\x1b[K\x1b[A\x1b[Ka | two\n0/2 done · running…" {
			t.Errorf("a narrower terminal: %q", got)
		}
		s.columns = 80
		if _, err := fmt.Fprint(live, "a note\n"); err != nil {
			t.Error(err)
		}
		if got := s.next(); got != "\r\x1b[Ka note\n"+board+"two" {
			t.Errorf("a note of ktask: %q", got)
		}
		_ = live.Close()
		emit(out("three", false))
		if _, err := fmt.Fprint(live, "a note\n"); err != nil {
			t.Error(err)
		}
		if got := s.next(); got != "\r\x1b[K\x1b[A\x1b[Ka note\n" {
			t.Errorf("after the end: %q", got)
		}
		_ = live.Close()
	})
}

// TestLiveKeepsOffOpenLines: nothing is drawn after a part of a line.
func TestLiveKeepsOffOpenLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &terminal{columns: 80, rows: 24}
		_, emit := liveAt(s, "a")
		emit(begins("a"))
		time.Sleep(time.Second)
		for _, part := range []struct {
			text    string
			partial bool
			want    string
		}{{"name? ", true, "name? "}, {"me", false, "me\n  a     1s  "}} {
			emit(engine.OutputLine{Header: engine.Header{Time: time.Now(), Task: "a"}, Stream: engine.Stdout, Line: part.text, Partial: part.partial})
			if got := s.next(); got != part.want {
				t.Errorf("%q shows %q", part.text, got)
			}
		}
	})
}

// ended returns the end of a task that ran in a container.
func ended(name string, status engine.Status, message string) engine.TaskResult {
	now := time.Now()
	return engine.TaskResult{
		Name: name, Status: status, Message: message, Started: now, Finished: now, ExitCode: 3,
		Attempts: []engine.AttemptResult{{Number: 1, Status: status, ExitCode: 3, Message: message}},
	}
}

// TestEndings looks at the ends of runs.
func TestEndings(t *testing.T) {
	output := func(task string, stream engine.Stream, line string) engine.OutputLine {
		return engine.OutputLine{Header: engine.Header{Task: task}, Stream: stream, Line: line}
	}
	started := func(task string, runtime plan.Runtime) engine.TaskStarted {
		return engine.TaskStarted{Header: engine.Header{Task: task}, Runtime: runtime}
	}
	container := func(task string) engine.TaskStarted { return started(task, plan.RuntimeContainer) }
	many := func(n int, status engine.Status, message string) (all []engine.TaskResult) {
		for i := range n {
			all = append(all, ended(fmt.Sprint("t", i), status, message))
		}
		return all
	}
	long := func(task string) (all []engine.Event) {
		for i := range 30 {
			all = append(all, output(task, engine.Stdout, fmt.Sprint("line ", i)))
		}
		return all
	}
	tests := map[string]struct {
		events []engine.Event
		tasks  []engine.TaskResult
		has    []string
		hasNot []string
	}{
		"the last line on stderr is the cause": {
			events: []engine.Event{container("a"), output("a", engine.Stderr, "\x1b[31mno such table\x1b[0m "), output("a", engine.Stderr, "  "), output("a", engine.Stdout, "bye")},
			tasks:  []engine.TaskResult{ended("a", engine.Failed, "exit code 3")}, has: []string{"\na: failed: exit code 3: no such table\n"}, hasNot: []string{"| bye"},
		},
		"a message of the container is a better one": {
			events: []engine.Event{container("a"), output("a", engine.Stderr, "no such table")},
			tasks:  []engine.TaskResult{ended("a", engine.Failed, "exit code 3: why")}, has: []string{"\na: failed: exit code 3: why\n"},
		},
		"python says it there, too": {
			events: []engine.Event{started("a", plan.RuntimePython), output("a", engine.Stderr, "no such table")},
			tasks:  []engine.TaskResult{ended("a", engine.Failed, "exit code 3")}, has: []string{"\na: failed: exit code 3: no such table\n"},
		},
		"deno says other things there": {
			events: []engine.Event{started("a", plan.RuntimeDeno), output("a", engine.Stderr, "Check file:///a.ts")},
			tasks:  []engine.TaskResult{ended("a", engine.Failed, "exit code 3")}, has: []string{"\na: failed: exit code 3\n"},
		},
		"a cause that is long": {
			events: []engine.Event{container("a"), output("a", engine.Stderr, strings.Repeat("é", 300))},
			tasks:  []engine.TaskResult{ended("a", engine.Failed, "exit code 3")}, has: []string{": " + strings.Repeat("é", 200) + "…\n"},
		},
		"of several tasks the last lines stand at the end": {
			events: append([]engine.Event{container("a")}, long("a")...),
			tasks:  []engine.TaskResult{ended("a", engine.Failed, "exit code 3"), ended("b", engine.Passed, "")},
			has:    []string{"a: failed: exit code 3\n  | (earlier lines are above)\n  | line 20\n", "  | line 29\n\n2 tasks: 1 passed, 1 failed in 48s\n"}, hasNot: []string{"line 19"},
		},
		"a line that is the cause is not repeated": {
			events: []engine.Event{container("a"), output("a", engine.Stderr, "no such table")},
			tasks:  []engine.TaskResult{ended("a", engine.Failed, "exit code 3"), ended("b", engine.Passed, "")}, hasNot: []string{"| no such table"},
		},
		"the same error of all is said once": {
			tasks: append(many(8, engine.Errored, "image \"x\" is not there"), ended("own", engine.Errored, "another")),
			has:   []string{"\n8 tasks: error: image \"x\" is not there\n  tasks: t0, t1, t2, t3 and 4 other tasks\n", "\nown: error: another\n", "9 tasks: 9 errored in 48s"},
		},
		"failures have each their own": {
			tasks: many(2, engine.Failed, "exit code 1"), has: []string{"\nt0: failed: exit code 1\n", "\nt1: failed: exit code 1\n"},
		},
		"of many tasks those that have passed have no row": {
			tasks:  append(many(20, engine.Passed, ""), ended("bad", engine.Failed, "exit code 1")),
			has:    []string{"TASK  STATUS  ATTEMPTS  EXIT  TIME\nbad   failed", "21 tasks: 20 passed, 1 failed in 48s\n"},
			hasNot: []string{"t0"},
		},
		"twenty have":                           {tasks: many(20, engine.Passed, ""), has: []string{"t0 ", "20 tasks: 20 passed in 48s\n"}},
		"if many have passed there is no table": {tasks: many(21, engine.Passed, ""), has: []string{"21 tasks: 21 passed in 48s\n"}, hasNot: []string{"TASK", "\n\n"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var names []string
			for _, task := range test.tasks {
				names = append(names, task.Name)
			}
			var out, diag bytes.Buffer
			p := report.NewPlain(&out, &diag, report.Options{Tasks: names})
			for _, e := range test.events {
				p.Emit(e)
			}
			p.Flush()
			before := diag.Len()
			begun := time.Now()
			p.Emit(engine.RunFinished{Result: engine.Result{Tasks: test.tasks, Started: begun, Finished: begun.Add(48 * time.Second)}})
			got := diag.String()[before:]
			for _, text := range test.has {
				if !strings.Contains(got, text) {
					t.Errorf("%q is not in\n%s", text, got)
				}
			}
			for _, text := range test.hasNot {
				if strings.Contains(strings.TrimSpace(got), text) {
					t.Errorf("%q is in\n%s", text, got)
				}
			}
		})
	}
}

// TestSameErrorIsNotedOnce: while a run goes on, an error that several tasks have is shown once, and an interrupt not for each task.
func TestSameErrorIsNotedOnce(t *testing.T) {
	var out, diag bytes.Buffer
	p := report.NewPlain(&out, &diag, report.Options{Tasks: []string{"a", "b", "c", "d"}})
	for name, message := range map[string]string{"a": "no image", "b": "no image"} {
		p.Emit(engine.TaskFinished{Header: engine.Header{Task: name}, Result: ended(name, engine.Errored, message)})
	}
	p.Emit(engine.TaskFinished{Header: engine.Header{Task: "c"}, Result: ended("c", engine.Canceled, "interrupted")})
	p.Emit(engine.TaskFinished{Header: engine.Header{Task: "d"}, Result: ended("d", engine.Failed, "exit code 1")})
	p.Flush()
	if got := diag.String(); strings.Count(got, "no image") != 1 || strings.Contains(got, "interrupted") || !strings.Contains(got, "ktask: d: failed: exit code 1\n") {
		t.Errorf("it shows\n%s", got)
	}
}

// TestLiveWritesLines: a text of ktask's own has a line of its own, also if a task has begun one.
func TestLiveWritesLines(t *testing.T) {
	s := &terminal{columns: 80, rows: 24}
	live, emit := liveAt(s, "a")
	emit(engine.OutputPart{Header: engine.Header{Task: "a"}, Stream: engine.Stdout, Text: "go on? "})
	for _, text := range []string{"ktask: a warning\n", "\nInterrupted\n"} {
		if _, err := live.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.next(); got != "go on? \nktask: a warning\n\nInterrupted\n" {
		t.Errorf("it shows %q", got)
	}
}

// TestLiveWithoutOutput shows what is written to it above the tasks at work, also after its end, and no output of theirs.
func TestLiveWithoutOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &terminal{columns: 80, rows: 24}
		live := report.NewLive(s, s, report.Options{Tasks: []string{"a", "b"}, OutTerminal: true, Size: s.size, NoOutput: true})
		live.Emit(begins("a"))
		time.Sleep(time.Second)
		live.Emit(engine.OutputLine{Header: engine.Header{Time: time.Now(), Task: "a"}, Stream: engine.Stdout, Line: "one"})
		live.Flush()
		const board = "0/2 done · 1 running · 1s\n  a     1s  one"
		if got := s.next(); got != board {
			t.Errorf("it shows %q", got)
		}
		for _, w := range []io.Writer{live.Out(), live} {
			fmt.Fprintln(w, "a row")
			if got := s.next(); got != "\r\x1b[K\x1b[A\x1b[Ka row\n"+board {
				t.Errorf("after a row it shows %q", got)
			}
		}
		_ = live.Close()
		s.next()
		if fmt.Fprintln(live.Out(), "the end"); s.next() != "the end\n" {
			t.Error("it writes nothing after its end")
		}
	})
}

// TestLiveDrawsRarely: much output is written together with the lines at the bottom, none of it is lost, and the end waits for nothing.
func TestLiveDrawsRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &terminal{columns: 80, rows: 24}
		live, emit := liveAt(s, "a", "b")
		live.Start()
		emit(begins("a"))
		time.Sleep(time.Second)
		synctest.Wait()
		s.next()
		const total = 1000
		for range total {
			emit(engine.OutputLine{Header: engine.Header{Time: time.Now(), Task: "a"}, Stream: engine.Stdout, Line: "x"})
			if err := live.Err(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		got := s.next()
		if lines, drawn := strings.Count(got, "a | x\n"), strings.Count(got, "running"); lines < total-50 || drawn > 25 {
			t.Errorf("in a second %d lines are shown, drawn %d times", lines, drawn)
		}
		emit(engine.OutputLine{Header: engine.Header{Time: time.Now(), Task: "a"}, Stream: engine.Stdout, Line: "last"})
		emit(engine.RunFinished{Header: engine.Header{Time: time.Now()}, Result: engine.Result{Status: engine.Passed}})
		if got := s.next(); !strings.Contains(got, "a | last\n") {
			t.Errorf("at the end it shows %q", got)
		}
		_ = live.Close()
	})
}
