package report

import (
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
)

// boardAt returns a board of a run that began a while ago, with tasks whose names are given.
func boardAt(after time.Duration, total int, names ...string) (*board, func(engine.Event)) {
	begun := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	b := &board{total: total, of: map[string]*liveTask{}}
	for _, name := range names {
		b.note(engine.TaskStarted{Header: engine.Header{Time: begun, Task: name}})
		b.note(engine.AttemptStarted{Header: engine.Header{Time: begun, Task: name, Attempt: 1}, Of: 3})
	}
	b.now = begun.Add(after)
	return b, b.note
}

// shown returns the lines of a board without colours.
func shown(b *board, columns, rows int) string {
	var all []string
	for _, line := range b.lines(columns, rows) {
		text, _ := line.render(true, columns-1)
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

func TestBoard(t *testing.T) {
	at := func(b *board, task string) engine.Header { return engine.Header{Time: b.now, Task: task, Attempt: 1} }
	tests := map[string]struct {
		columns, rows int
		board         func() *board
		want          string
	}{
		"nothing runs":      {80, 24, func() *board { b, _ := boardAt(time.Second, 2); return b }, ""},
		"it has just begun": {80, 24, func() *board { b, _ := boardAt(drawAfter-1, 2, "a"); return b }, ""},
		"two of three, one with output": {80, 24, func() *board {
			b, note := boardAt(8500*time.Millisecond, 3, "task-13", "b")
			note(engine.OutputLine{Header: at(b, "b"), Line: "\x1b[31mred\x1b[0m\tand\x1b[2J"})
			return b
		}, "0/3 done · 2 running · 8s\n  task-13     8s  \n  b           8s  red and"},
		"a failed one": {80, 24, func() *board {
			b, note := boardAt(time.Minute, 3, "a", "b")
			note(engine.TaskFinished{Header: at(b, "a"), Result: engine.TaskResult{Status: engine.TimedOut}})
			note(engine.TaskFinished{Header: at(b, "never started"), Result: engine.TaskResult{Status: engine.Canceled}})
			return b
		}, "2/3 done · 1 failed · 1 running · 1m0s\n  b   1m0s  "},
		"few rows": {80, 11, func() *board { b, _ := boardAt(8*time.Second, 60, "task-13", "task-14"); return b },
			"0/60 done · running: task-13 8s, task-14 8s"},
		"few columns": {39, 24, func() *board { b, _ := boardAt(8*time.Second, 60, "task-13", "task-14"); return b },
			"0/60 done · running: task-13 8s, task…"},
		"more tasks than rows": {80, 12, func() *board { b, _ := boardAt(time.Second, 60, "a", "b", "c", "d", "e"); return b },
			"0/60 done · 5 running · 1s\n  a     1s  \n  b     1s  \n  c     1s  \n  … and 2 more"},
		"a single one": {80, 24, func() *board {
			b, note := boardAt(time.Second, 1, "a")
			note(engine.OutputLine{Header: at(b, "a"), Line: "above"})
			return b
		}, "  a     1s  "},
		"a pull": {80, 24, func() *board {
			b, note := boardAt(time.Second, 1, "a")
			note(engine.ImageProgress{Header: at(b, "a"), Image: "box:1", Status: "pulling", Current: 11_250_000, Total: 45_000_000})
			return b
		}, "  a     1s  pulling [====            ] 11.2 of 45.0 MB  box:1"},
		"a pull on 50 columns": {50, 24, func() *board {
			b, note := boardAt(time.Second, 1, "a")
			note(engine.ImageProgress{Header: at(b, "a"), Image: "registry.example/path/box:1", Status: "pulling", Current: 50_000_000, Total: 45_000_000})
			return b
		}, "  a     1s  pulling 50.0 of 45.0 MB  registry.ex…"},
		"a pull of unknown size": {80, 24, func() *board {
			b, note := boardAt(time.Second, 1, "a")
			note(engine.ImageProgress{Header: at(b, "a"), Image: "box:1", Status: "pulling", Current: 11_250_000})
			return b
		}, "  a     1s  pulling 11.2 MB  box:1"},
		"a wait": {80, 24, func() *board {
			b, note := boardAt(time.Second, 1, "a")
			note(engine.AttemptFinished{Header: at(b, "a"), Retry: true, RetryIn: 4 * time.Second})
			b.now = b.now.Add(1500 * time.Millisecond)
			return b
		}, "  a     2s  attempt 2 of 3 in 3s"},
		"the next attempt": {80, 24, func() *board {
			b, note := boardAt(time.Second, 1, "a")
			note(engine.AttemptFinished{Header: at(b, "a"), Retry: true, RetryIn: 4 * time.Second})
			note(engine.AttemptStarted{Header: engine.Header{Time: b.now, Task: "a", Attempt: 2}, Of: 3})
			return b
		}, "  a     1s  attempt 2 of 3  "},
		"a long name": {60, 24, func() *board {
			b, _ := boardAt(time.Second, 1, "podtato-head-server/pre/migrate")
			return b
		}, "  …-server/pre/migrate     1s  "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := shown(test.board(), test.columns, test.rows); got != test.want {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
		})
	}
}

// TestBoardFits draws what is long on terminals of many sizes: a line that wraps could not be erased.
func TestBoardFits(t *testing.T) {
	names := []string{"a", "検査の名前がとても長いタスク", "\x1b[31mred", "podtato-head-server/pre/migrate", "e\u0301"}
	for columns := range 130 {
		for _, rows := range []int{0, 1, 11, 12, 24, 60} {
			b, note := boardAt(100*time.Hour, 999, names...)
			for i, name := range names {
				h := engine.Header{Time: b.now, Task: name}
				note(engine.OutputLine{Header: h, Line: strings.Repeat("出力\x1b[1m", 100)})
				if i == 0 {
					note(engine.ImageProgress{Header: h, Image: strings.Repeat("画像", 60), Status: "pulling", Current: 1 << 60, Total: 1 << 61})
				}
			}
			lines := b.lines(columns, rows)
			if len(lines) > 1 && len(lines) > rows/3+1 {
				t.Errorf("%d lines on %d rows", len(lines), rows)
			}
			for _, line := range lines {
				text, painted := line.render(true, columns-1)
				if w := width(text); w > max(columns-1, 0) || strings.ContainsAny(text, "\x1b\n\r\t") {
					t.Errorf("%d columns: %q has %d", columns, text, w)
				}
				if plain := sgr.ReplaceAllString(painted, ""); plain != text {
					t.Errorf("painted %q, not %q", plain, text)
				}
			}
		}
	}
}

func TestCountdownIsNotBelowZero(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Second: "0s", 0: "0s", 1: "1s", time.Second: "1s", 61 * time.Second: "1m1s"} {
		if got := countdown(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// FuzzUnpainted holds that no control character reaches the board.
func FuzzUnpainted(f *testing.F) {
	f.Add("\x1b[31mred\x1b]0;x\a\t")
	f.Fuzz(func(t *testing.T, line string) {
		if got := unpainted(line); strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
			t.Fatalf("%q becomes %q", line, got)
		}
	})
}
