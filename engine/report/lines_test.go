package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
)

func output(task, line string, partial bool) engine.OutputLine {
	return engine.OutputLine{Header: engine.Header{Task: task, Attempt: 1}, Stream: engine.Stdout, Line: line, Partial: partial}
}

func started(task string) engine.TaskStarted {
	return engine.TaskStarted{Header: engine.Header{Task: task}}
}

func finished(task string, s engine.Status) engine.TaskFinished {
	return engine.TaskFinished{Header: engine.Header{Task: task}, Result: result(task, s)}
}

// result returns the result of a task that ran for a second.
func result(task string, s engine.Status) engine.TaskResult {
	began := time.Unix(0, 0)
	return engine.TaskResult{Name: task, Status: s, Message: "message", Started: began, Finished: began.Add(time.Second)}
}

// TestPartialLines holds that a long line of a single task is not changed, and that with several tasks each part of it
// is a line.
func TestPartialLines(t *testing.T) {
	for _, tc := range []struct {
		options report.Options
		want    string
	}{
		{report.Options{Tasks: []string{"a"}}, "onetwothree\nnext\n"},
		{report.Options{Tasks: []string{"a"}, Timestamps: true}, "0001-01-01T00:00:00.000Z onetwothree\n0001-01-01T00:00:00.000Z next\n"},
		{report.Options{Tasks: []string{"a", "long"}}, "a    | one\na    | two\na    | three\na    | next\n"},
	} {
		var out, diag bytes.Buffer
		p := report.NewPlain(&out, &diag, tc.options)
		for _, e := range []engine.Event{output("a", "one", true), output("a", "two", true), output("a", "three", false), output("a", "next", false)} {
			p.Emit(e)
		}
		p.Flush()
		if out.String() != tc.want || diag.Len() > 0 {
			t.Errorf("%+v: out is %q, diag %q; want %q", tc.options, &out, &diag, tc.want)
		}
	}
}

// TestStreamsKeepTheirOrder holds the order of both streams: on a terminal they are the same screen.
func TestStreamsKeepTheirOrder(t *testing.T) {
	var screen bytes.Buffer
	p := report.NewPlain(&screen, &screen, report.Options{})
	want := ""
	for i := range 1000 {
		line := output("a", fmt.Sprint(i), false)
		if i%3 == 0 {
			line.Stream = engine.Stderr
		}
		p.Emit(line)
		want += fmt.Sprintln(i)
	}
	p.Flush()
	if screen.String() != want {
		t.Error("lines of stdout and stderr changed places")
	}
}

type broken struct{}

var errBroken = errors.New("broken pipe")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

// TestWriteFailure holds that a reporter continues after a failure to write, and reports it.
func TestWriteFailure(t *testing.T) {
	for name, r := range map[string]report.Reporter{
		"plain":      report.NewPlain(broken{}, &bytes.Buffer{}, report.Options{}),
		"plain diag": report.NewPlain(&bytes.Buffer{}, broken{}, report.Options{}),
		"live":       report.NewLive(broken{}, broken{}, report.Options{}),
		"json":       report.NewJSON(broken{}),
		"quiet":      report.NewQuiet(broken{}, false),
		"github":     report.NewGitHub(broken{}, false, ""),
	} {
		r.Emit(started("a"))
		r.Emit(output("a", "line", false))
		r.Flush()
		r.Emit(finished("a", engine.Failed))
		r.Emit(engine.RunFinished{Result: engine.Result{Tasks: []engine.TaskResult{result("a", engine.Failed)}}})
		if err := r.Err(); !errors.Is(err, errBroken) {
			t.Errorf("%s: Err is %v", name, err)
		}
	}
	if err := report.WriteResult(broken{}, engine.Result{}); !errors.Is(err, errBroken) {
		t.Errorf("WriteResult gives %v", err)
	}
	if err := report.WriteJUnit(broken{}, engine.Result{}, nil); !errors.Is(err, errBroken) {
		t.Errorf("WriteJUnit gives %v", err)
	}
}

func TestTee(t *testing.T) {
	var first, second bytes.Buffer
	emitted := 0
	sink := report.Tee(report.NewJSON(&first), engine.SinkFunc(func(engine.Event) { emitted++ }), report.NewJSON(&second))
	sink.Emit(output("a", "line", false))
	if first.Len() > 0 {
		t.Error("a single line was not buffered")
	}
	sink.(engine.Flusher).Flush()
	if first.Len() == 0 || first.String() != second.String() || emitted != 1 {
		t.Errorf("sinks got %q, %q, %d events", &first, &second, emitted)
	}
}

// TestKeptOutputIsBounded holds that reporters that keep output keep its end, with a note of what they dropped.
func TestKeptOutputIsBounded(t *testing.T) {
	const lines = 200_000
	long := strings.Repeat("x", 90)
	var hook, log bytes.Buffer
	quiet, github, capture := report.NewQuiet(&hook, false), report.NewGitHub(&log, false, ""), report.NewCapture()
	sink := report.Tee(quiet, github, capture)
	sink.Emit(started("first"))
	sink.Emit(started("a"))
	for i := range lines {
		sink.Emit(output("a", fmt.Sprint(i, long), false))
	}
	sink.Emit(finished("a", engine.Failed))
	sink.Emit(finished("first", engine.Passed))
	sink.Emit(engine.RunFinished{Result: engine.Result{Tasks: []engine.TaskResult{result("a", engine.Failed)}}})
	for name, kept := range map[string]struct {
		text string
		most int
	}{
		"quiet":   {hook.String(), 64 << 10},
		"github":  {log.String(), 1 << 20},
		"capture": {capture.Output("a", engine.Stdout), 256 << 10},
	} {
		shown := strings.Count(kept.text, long)
		if len(kept.text) > kept.most || shown < kept.most/400 {
			t.Errorf("%s keeps %d bytes, %d lines", name, len(kept.text), shown)
		}
		if !strings.Contains(kept.text, fmt.Sprint(lines-1, long)) {
			t.Errorf("%s lost the last line", name)
		}
		if !strings.Contains(kept.text, fmt.Sprintf("(%d earlier lines are not shown)", lines-shown)) {
			t.Errorf("%s does not say that %d lines were dropped", name, lines-shown)
		}
	}
	if capture.Output("a", engine.Stderr) != "" || capture.Output("b", engine.Stdout) != "" {
		t.Error("there is output where there was none")
	}
}

// TestKeptPartsOfLines holds that dropped lines are counted, and that the parts that are left are joined.
func TestKeptPartsOfLines(t *testing.T) {
	var hook bytes.Buffer
	quiet := report.NewQuiet(&hook, false)
	quiet.Emit(started("a"))
	part := strings.Repeat("x", 10<<10)
	for range 10 {
		quiet.Emit(output("a", part, true))
		quiet.Emit(output("a", part, false))
	}
	quiet.Emit(finished("a", engine.Failed))
	quiet.Emit(engine.RunFinished{Result: engine.Result{Tasks: []engine.TaskResult{result("a", engine.Failed)}}})
	if n := strings.Count(hook.String(), "| "+part+part+"\n"); n != 3 {
		t.Errorf("%d whole lines are left, want 3", n)
	}
	if !strings.Contains(hook.String(), "(7 earlier lines are not shown)") {
		t.Errorf("7 lines were dropped, it says %.200s", &hook)
	}
}

// TestGitHubLineLeftOpen holds that a token begins a line: the runner would not read it after other text, and commands
// would stay stopped.
func TestGitHubLineLeftOpen(t *testing.T) {
	var log bytes.Buffer
	g := report.NewGitHub(&log, false, "")
	g.SetToken("TOKEN")
	for _, e := range []engine.Event{started("a"), output("a", "half a li", true), finished("a", engine.Passed)} {
		g.Emit(e)
	}
	g.Flush()
	for _, line := range []string{"::TOKEN::", "::endgroup::"} {
		if !strings.Contains(log.String(), "\n"+line+"\n") {
			t.Errorf("%s does not stand on a line of its own:\n%s", line, &log)
		}
	}
	if !strings.Contains(log.String(), "half a li\nktask:") {
		t.Errorf("our line does not begin at the start of a line:\n%s", &log)
	}
}

// TestGitHubStreaming holds that one task streams at a time, and that tasks that have ended come before the next one.
func TestGitHubStreaming(t *testing.T) {
	var log bytes.Buffer
	g := report.NewGitHub(&log, false, "")
	g.SetToken("TOKEN")
	for _, e := range []engine.Event{
		started("a"), started("b"), started("c"),
		output("b", "b1", false), output("a", "a1", false), output("c", "c1", false), finished("c", engine.Passed),
		output("a", "a2", false), finished("a", engine.Passed), output("b", "b2", false),
	} {
		g.Emit(e)
	}
	g.Flush()
	var got []string
	for line := range strings.Lines(log.String()) {
		if line = strings.TrimSpace(line); !strings.Contains(line, "TOKEN") && !strings.HasPrefix(line, "ktask:") {
			got = append(got, line)
		}
	}
	want := "::group::a a1 a2 ::endgroup:: ::group::c c1 ::endgroup:: ::group::b b1 b2"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("the log is %s\nwant %s", text, want)
	}
}

func TestGitHubTokensDiffer(t *testing.T) {
	var log bytes.Buffer
	g := report.NewGitHub(&log, false, "")
	for _, task := range []string{"a", "b"} {
		g.Emit(started(task))
		g.Emit(finished(task, engine.Passed))
	}
	g.Flush()
	seen := map[string]bool{}
	for line := range strings.Lines(log.String()) {
		if token, ok := strings.CutPrefix(strings.TrimSpace(line), "::stop-commands::"); ok {
			seen[token] = true
			if len(token) < 20 {
				t.Errorf("token %q can be guessed", token)
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("two groups have %d tokens", len(seen))
	}
}

// TestAnnotationPlaces holds that an annotation has a file and a line if the origin has.
func TestAnnotationPlaces(t *testing.T) {
	for origin, want := range map[plan.Origin]string{
		{File: "task.yaml", Line: 14}:                            "file=task.yaml,line=14,",
		{File: "task.yaml", Line: 14, Field: "spec.deno.inline"}: "file=task.yaml,line=14,",
		{File: "task.yaml", Line: 14, Column: 7}:                 "file=task.yaml,line=14,col=7,",
		{File: `C:\tasks\task.yaml`, Line: 14}:                   `file=C%3A\tasks\task.yaml,line=14,`,
		{File: "my tasks/a b.yaml", Line: 3, Field: "spec"}:      "file=my tasks/a b.yaml,line=3,",
		{File: "<stdin>", Line: 14}:                              "",
		plan.Default:                                             "",
		plan.Flag("param"):                                       "",
		{}:                                                       "",
		{Source: plan.SourceFlag, Name: "--param", File: "http://x"}: "",
	} {
		var log bytes.Buffer
		g := report.NewGitHub(&log, false, "")
		failed := result("a", engine.Failed)
		failed.Origin = origin
		g.Emit(engine.RunFinished{Result: engine.Result{Tasks: []engine.TaskResult{failed}}})
		if !strings.Contains(log.String(), "::error "+want+"title=") {
			t.Errorf("origin %q: no %q in\n%s", origin, want, &log)
		}
	}
}

// BenchmarkPlain measures a line that goes to a file.
func BenchmarkPlain(b *testing.B) {
	p := report.NewPlain(io.Discard, io.Discard, report.Options{Tasks: []string{"a", "b"}})
	line := output("a", strings.Repeat("x", 80), false)
	b.SetBytes(80)
	for b.Loop() {
		p.Emit(line)
	}
}

// TestParts writes parts of lines as a task writes them, and returns as bars do.
func TestParts(t *testing.T) {
	part := func(text string) engine.Event {
		return engine.OutputPart{Header: engine.Header{Task: "a"}, Stream: engine.Stdout, Text: text}
	}
	whole := func(text string, partial bool) engine.Event {
		return engine.OutputLine{Header: engine.Header{Task: "a"}, Stream: engine.Stdout, Line: text, Partial: partial}
	}
	one, two := report.Options{Tasks: []string{"a"}}, report.Options{Tasks: []string{"a", "b"}}
	terminal := func(o report.Options) report.Options { o.OutTerminal = true; return o }
	timed := terminal(one)
	timed.Timestamps = true
	for name, test := range map[string]struct {
		options report.Options
		events  []engine.Event
		want    string
	}{
		"a prompt":                       {one, []engine.Event{part("name? "), part("m"), whole("name? me", false), whole("next", false)}, "name? me\nnext\n"},
		"a prompt of one of several":     {two, []engine.Event{part("name? "), whole("name? me", false)}, "a | name? me\n"},
		"a bar on a terminal":            {terminal(one), []engine.Event{part("10%"), part("\r20%"), whole("10%\r20%", false)}, "10%\r20%\n"},
		"a bar with times":               {timed, []engine.Event{whole("10%\r20%", false)}, `0001-01-01T00:00:00.000Z 10%\r20%` + "\n"},
		"bars of several":                {terminal(two), []engine.Event{whole("10%\r20%\r", false), whole("\r", false)}, "a | 10%\na | 20%\na | \n"},
		"bars of several in a file":      {two, []engine.Event{whole("10%\r20%", false)}, "a | 10%\r20%\n"},
		"nothing else passes":            {terminal(one), []engine.Event{part("a\b\x1b[2J"), part("\x1b[31"), part("mred"), whole("a\b\x1b[2J\x1b[31mred", false)}, `a\b` + "\x1b[31mred\x1b[0m\n"},
		"a long line":                    {one, []engine.Event{part("ab"), whole("abcd", true), part("e"), whole("ef", false)}, "abcdef\n"},
		"a long line that is shown late": {one, []engine.Event{part("abcdef"), whole("abcd", true), whole("efg", false)}, "abcdefg\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, diag bytes.Buffer
			p := report.NewPlain(&out, &diag, test.options)
			for _, e := range test.events {
				p.Emit(e)
			}
			p.Flush()
			if out.String() != test.want {
				t.Errorf("got %q, want %q", out.String(), test.want)
			}
		})
	}
}

// TestColorsOfStreams: each stream is coloured for itself.
func TestColorsOfStreams(t *testing.T) {
	for _, colored := range []engine.Stream{engine.Stdout, engine.Stderr} {
		var out, diag bytes.Buffer
		p := report.NewPlain(&out, &diag, report.Options{Tasks: []string{"a", "b"}, Timestamps: true, OutColor: colored == engine.Stdout, DiagColor: colored == engine.Stderr})
		for _, s := range []engine.Stream{engine.Stdout, engine.Stderr} {
			p.Emit(engine.OutputLine{Header: engine.Header{Task: "a"}, Stream: s, Line: "text"})
		}
		p.Emit(engine.RunFinished{Result: engine.Result{Tasks: []engine.TaskResult{{Name: "a", Status: engine.Failed}}}})
		for s, text := range map[engine.Stream]string{engine.Stdout: out.String(), engine.Stderr: diag.String()} {
			if got := strings.Contains(text, "\x1b["); got != (s == colored) {
				t.Errorf("only %s has colors; %s: %q", colored, s, text)
			}
		}
	}
}
