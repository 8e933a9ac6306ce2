package expect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/expect"
	"github.com/ktask/ktask/spec"
)

const head = "apiVersion: ktask.dev/v1\nkind: TaskTest\nmetadata: {name: t}\nspec:\n  task: hello\n  cases:\n"

// firstCase returns the first case of a test file.
func firstCase(t *testing.T, file string) spec.TestCase {
	t.Helper()
	m, _, err := spec.Load([]spec.File{{Name: "t.yaml", Data: []byte(file)}}, spec.Options{Namespace: "default", Tests: true})
	if err != nil || len(m.Tests) == 0 {
		t.Fatalf("%v\n%s", err, file)
	}
	return m.Tests[0].Cases[0]
}

// hide masks the secret of these tests.
func hide(text string) string { return strings.ReplaceAll(text, "hunter22", "•••") }

// seen returns a run with lines on stdout, those that begin with ! on stderr.
func seen(status engine.Status, code int, lines ...string) expect.Seen {
	start := time.Unix(100, 0)
	s := expect.Seen{Result: engine.TaskResult{Status: status, ExitCode: code, Finished: start.Add(2 * time.Second), Attempts: []engine.AttemptResult{{Number: 1, Started: start}}}}
	if status != engine.Passed {
		s.Result.Reason, s.Result.Message = engine.BackoffLimitExceeded, "exit code 3"
	}
	for _, line := range lines {
		stream := engine.Stdout
		if text, ok := strings.CutPrefix(line, "!"); ok {
			stream, line = engine.Stderr, text
		}
		s.Lines = append(s.Lines, expect.Line{Stream: stream, Text: line})
	}
	return s
}

func TestCompare(t *testing.T) {
	for name, test := range map[string]struct {
		expect string
		seen   expect.Seen
		want   string // the differences, "" if there is none
	}{
		"passes":               {"{}", seen(engine.Passed, 0), ""},
		"does not pass":        {"{}", seen(engine.Failed, 3), "status|- passed|+ failed: exit code 3"},
		"fails as expected":    {"{status: failed, exitCode: 3, reason: BackoffLimitExceeded, attempts: 1}", seen(engine.Failed, 3), ""},
		"an exit code implies": {"{exitCode: 3}", seen(engine.Failed, 3), ""},
		"all differ":           {"{status: failed, exitCode: 3, reason: OOMKilled, attempts: 2}", seen(engine.Passed, 0), "status|- failed|+ passed;reason|- OOMKilled|+ ;exitCode|- 3|+ 0;attempts|- 2|+ 1"},
		"in time":              {"{under: 2001ms}", seen(engine.Passed, 0), ""},
		"too slow":             {"{under: 2s}", seen(engine.Passed, 0), "under|- under 2s|+ 2s"},
		"a line":               {"{output: [b, '']}", seen(engine.Passed, 0, "a", "!b  ", ""), ""},
		"a part of a line":     {"{output: [hell]}", seen(engine.Passed, 0, "hello"), "output|- hell|+ hello"},
		"a line is missing":    {"{output: [a, x]}", seen(engine.Passed, 0, "a", "b"), "output|- x|  a|+ b"},
		"no output":            {"{output: [a]}", seen(engine.Passed, 0), "output|- a|+ (no output)"},
		"regex":                {"{output: [{regex: ell}]}", seen(engine.Passed, 0, "hello"), ""},
		"no regex":             {"{output: [{regex: ^ell}]}", seen(engine.Passed, 0, "hello"), "output|- regex: ^ell|+ hello"},
		"json":                 {"{output: [{json: {a: {b: [1, x]}, z: null}}]}", seen(engine.Passed, 0, "x", `{"z":null,"a":{"c":2,"b":[1.0,"x"]}}`), ""},
		"json on several":      {"{output: [{json: {a: 1}}]}", seen(engine.Passed, 0, "{", "!noise", `"a": 1}`), ""},
		"json differs":         {"{output: [{json: {a: [1]}}]}", seen(engine.Passed, 0, `{"a":[1,2]}`), `output|- json: {"a":[1]}|+ {"a":[1,2]}`},
		"json lacks null":      {"{output: [{json: {a: null}}]}", seen(engine.Passed, 0, `{}`), `output|- json: {"a":null}|+ {}`},
		"not":                  {"{output: [{not: a}, {not: {regex: b}}]}", seen(engine.Passed, 0, "abc", "x"), "output|- not: regex: b|+ abc|+ x"},
		"a masked line":        {"{output: [token hunter22, {json: {t: hunter22}}]}", seen(engine.Passed, 0, "token •••", `{"t":"•••"}`), ""},
		"a secret is missing":  {"{output: [hunter22]}", seen(engine.Passed, 0, "x"), "output|- •••|+ x"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, d := range expect.Compare(firstCase(t, head+"  - name: a\n    expect: "+test.expect+"\n").Expect, test.seen, hide) {
				if d.Pos.Line == 0 {
					t.Errorf("%s has no place", d.Field)
				}
				got = append(got, strings.Join(append([]string{d.Field}, d.Lines...), "|"))
			}
			if text := strings.Join(got, ";"); text != test.want {
				t.Errorf("got %s\nwant %s", text, test.want)
			}
		})
	}
}

func TestRecorderJoinsParts(t *testing.T) {
	r := expect.NewRecorder()
	emit := func(task, text string, partial bool) {
		r.Emit(engine.OutputLine{Header: engine.Header{Task: task}, Stream: engine.Stdout, Line: text, Partial: partial})
	}
	emit("a", "on", true)
	emit("b", "two", false)
	emit("a", "e", false)
	emit("a", "three", false)
	if s := r.Seen(engine.TaskResult{Name: "a"}); len(s.Lines) != 2 || s.Lines[0].Text != "one" || s.Lines[1].Text != "three" {
		t.Errorf("seen %v", s.Lines)
	}
	emit("b", strings.Repeat("x", 5<<20), false)
	s := r.Seen(engine.TaskResult{Name: "b", Status: engine.Passed})
	if d := expect.Compare(firstCase(t, head+"  - name: a\n    expect: {output: [two]}\n").Expect, s, hide); len(d) != 1 || d[0].Lines[0] != "+ more than 4 MiB of output, of which no more is compared" {
		t.Errorf("of too much output: %v", d)
	}
}

func TestUpdate(t *testing.T) {
	for name, test := range map[string]struct {
		cases string
		seen  expect.Seen
		want  string
	}{
		"values": {`
  - name: a # first
    # about expect
    expect: # all of it
      # the status
      status: passed # for now
      exitCode: 0x3
      output:
      # greets
      - hello
      - {regex: wor} # stays
      - {not: bye}
      under: 1s

    # after it
    env: {A: b}

  # the second
  - name: b
`, seen(engine.Failed, 3, "hi", "world", "bye", "hi"), `
  - name: a # first
    # about expect
    expect: # all of it
      # the status
      status: failed # for now
      exitCode: 0x3
      output:
      - {regex: wor} # stays
      - hi
      - bye
      under: 1s

    # after it
    env: {A: b}

  # the second
  - name: b
`},
		"a new case": {`
  - name: a
    params: {x: "1"}
  # end
`, seen(engine.Failed, 3, "yes", "", "a: b", "- x"), `
  - name: a
    params: {x: "1"}
    expect:
      status: failed
      exitCode: 3
      output:
      - "yes"
      - 'a: b'
      - '- x'
  # end
`},
		"in the line of the dash": {`
  - expect:
      output: [a]
    name: a`, seen(engine.Passed, 0, "b"), `
  - expect:
      output:
      - b
    name: a
`},
		"in flow style": {`
  - name: a
    expect: {status: passed, output: [{regex: b}, c]} # x
    env: {A: b}
`, seen(engine.Failed, 3, "bb"), `
  - name: a
    expect: # x
      status: failed
      output:
      - {regex: b}
    env: {A: b}
`},
		"without an end of line": {`
  - name: a
    expect:
      exitCode: 1`, seen(engine.Passed, 0), `
  - name: a
    expect:
      exitCode: 0
`},
	} {
		t.Run(name, func(t *testing.T) {
			file := head + test.cases[1:]
			got, err := expect.Update([]byte(file), firstCase(t, file), test.seen, hide)
			if err != nil {
				t.Fatal(err)
			}
			if want := head + test.want[1:]; string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			for _, d := range expect.Compare(firstCase(t, string(got)).Expect, test.seen, hide) {
				if d.Field != "under" {
					t.Errorf("afterwards %v differs", d)
				}
			}
		})
	}
}

func TestUpdateRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"  - {name: a}\n": "the case is in flow style: write each field on a line of its own",
		"  - name: a\n    expect: {\n  status: passed}\n": "the way in which its expect is written cannot be kept",
	} {
		_, err := expect.Update([]byte(head+text), firstCase(t, head+text), seen(engine.Failed, 1), hide)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
