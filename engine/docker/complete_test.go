package docker_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// summing is a sink that keeps a checksum of each stream instead of its lines.
type summing struct {
	sums  map[engine.Stream]hash.Hash
	bytes map[engine.Stream]int64
}

func newSumming() *summing {
	return &summing{map[engine.Stream]hash.Hash{engine.Stdout: sha256.New(), engine.Stderr: sha256.New()}, map[engine.Stream]int64{}}
}

func (s *summing) Emit(event engine.Event) {
	if line, ok := event.(engine.OutputLine); ok {
		text := line.Line
		if !line.Partial {
			text += "\n"
		}
		s.sums[line.Stream].Write([]byte(text))
		s.bytes[line.Stream] += int64(len(text))
	}
}

func TestOutputIsComplete(t *testing.T) {
	e := connect(t, docker.Options{})
	long := strings.Repeat("x", 10<<20)
	tests := []struct {
		name, script   string
		tty            bool
		stdout, stderr []string
	}{
		{"exits immediately", "echo a", false, []string{"a"}, nil},
		{"nothing", "true", false, nil, nil},
		{"no break at the end", "printf 'a\nb'", false, []string{"a", "b"}, nil},
		{"empty lines", "printf '\n\na\n\n'", false, []string{"", "", "a", ""}, nil},
		{"a line of 10 MiB", "head -c 10485760 /dev/zero | tr '\\0' x; echo; echo b", false, []string{long, "b"}, nil},
		{"a line as long as a part of the log", "printf '%16384s\n' x | tr ' ' x; printf '%32768s' x | tr ' ' x", false, []string{long[:16384], long[:32768]}, nil},
		{"binary", `printf '\000\377\200\n\001\r\n\376'`, false, []string{"\x00\xff\x80", "\x01", "\xfe"}, nil},
		{"a terminal", "echo a; printf b", true, []string{"a", "b"}, nil},
		{"a long line on a terminal", "printf '%20000s\n' x | tr ' ' x; echo b", true, []string{long[:20000], "b"}, nil},
		{"output that is closed early", "echo a; exec >&- 2>&-; sleep 3", false, []string{"a"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := shell(test.script)
			c.TTY = test.tty
			_, heard := run(t, e, c)
			for stream, want := range map[engine.Stream][]string{engine.Stdout: test.stdout, engine.Stderr: test.stderr} {
				if got := heard.Lines("", stream); !slices.Equal(got, want) {
					t.Errorf("%s is %d lines %.300q", stream, len(got), got)
				}
			}
		})
	}
}

func TestStreamsKeepTheirOrder(t *testing.T) {
	const count = 20_000
	var out, errs []string
	for i := range count {
		out, errs = append(out, fmt.Sprint("o", i+1)), append(errs, fmt.Sprint("e", i+1))
	}
	_, heard := run(t, connect(t, docker.Options{}), shell(fmt.Sprintf("i=1; while [ $i -le %d ]; do echo o$i; echo e$i >&2; i=$((i+1)); done", count)))
	if !slices.Equal(heard.Lines("", engine.Stdout), out) || !slices.Equal(heard.Lines("", engine.Stderr), errs) {
		t.Error("a stream is not as it was written")
	}
}

// TestMuchOutput prints more than the engine's log keeps.
func TestMuchOutput(t *testing.T) { muchOutput(t, 64<<20) }

func TestSoakMuchOutput(t *testing.T) {
	soakOnly(t)
	muchOutput(t, 1<<30)
}

func muchOutput(t *testing.T, size int64) {
	e := connect(t, docker.Options{})
	line := strings.Repeat("0123456789", 100) + "\n"
	lines := size / int64(len(line))
	want := sha256.New()
	for range lines {
		want.Write([]byte(line))
	}
	heard := newSumming()
	c := shell(fmt.Sprintf("yes %s | head -n %d", strings.TrimSpace(line), lines))
	exit, err := engine.Attempt(t.Context(), e, c, labels(t, 1), heard)
	if err != nil || exit.Code != 0 {
		t.Fatalf("exit %+v, error %v", exit, err)
	}
	if got := heard.bytes[engine.Stdout]; got != lines*int64(len(line)) || string(heard.sums[engine.Stdout].Sum(nil)) != string(want.Sum(nil)) {
		t.Errorf("%d bytes of %d, or others", got, lines*int64(len(line)))
	}
	nothingLeft(t, e)
}

// TestStreamThatBreaksGoesOn cuts the attached stream while the container runs: its output goes on through the log, byte
// by byte and before the container ends.
func TestStreamThatBreaksGoesOn(t *testing.T) { brokenStreamGoesOn(t, machineSocket) }

func brokenStreamGoesOn(t *testing.T, socket string) {
	for _, how := range []fault{cutWithin, cutBetween} {
		t.Run(string(how), func(t *testing.T) {
			proxy := newFaultProxy(t, socket, target{call: "POST /containers//attach", times: 100, how: how})
			e := connect(t, docker.Options{Host: proxy.host()})
			long := strings.Repeat("y", 50_000)
			// The test stops it when its last line has arrived.
			c := shell(`trap 'printf last; exit 3' TERM; printf 'first\n'; sleep 0.2; printf '\n\000\377 second\n'; printf '%50000s\n' y | tr ' ' y; echo err >&2; echo ready; sleep 100000 & wait`)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var heard enginetest.Recorder
			var ready atomic.Bool
			exit, err := engine.Attempt(ctx, e, c, labels(t, 1), engine.SinkFunc(func(event engine.Event) {
				heard.Emit(event)
				if line, ok := event.(engine.OutputLine); ok && line.Line == "ready" {
					ready.Store(true)
					stop()
				}
			}))
			if err != nil || exit.Code != 3 || !exit.Stopped || !ready.Load() {
				t.Errorf("exit %+v, error %v", exit, err)
			}
			want := []string{"first", "", "\x00\xff second", long, "ready", "last"}
			if got := heard.Lines("", engine.Stdout); !slices.Equal(got, want) {
				t.Errorf("stdout is %d lines %.200q", len(got), got)
			}
			if got := heard.Lines("", engine.Stderr); !slices.Equal(got, []string{"err"}) {
				t.Errorf("stderr %q", got)
			}
			nothingLeft(t, e)
		})
	}
}

// TestStreamThatBreaksBeyondTheLog breaks a stream after its first frame, or before it, which ktask notices when the container
// has written more than the log holds: output is lost, so the task has not passed.
func TestStreamThatBreaksBeyondTheLog(t *testing.T) {
	for _, how := range []fault{cutOnSignal, cutEmptyOnSignal} {
		t.Run(string(how), func(t *testing.T) {
			signal := make(chan struct{})
			proxy := newFaultProxy(t, machineSocket, target{call: "POST /containers//attach", how: how, signal: signal})
			e := connect(t, docker.Options{Host: proxy.host()})
			shared := t.TempDir()
			c := shell("trap 'exit 0' TERM; echo first; i=0; while [ $i -lt 160 ]; do head -c 131072 /dev/zero | tr '\\0' x; echo $i; i=$((i+1)); done; >/shared/written; sleep 100000 & wait")
			c.Mounts = []plan.Mount{{Source: shared, Target: "/shared"}}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			failed := make(chan error, 1)
			go func() {
				_, err := engine.Attempt(ctx, e, c, labels(t, 1), newSumming())
				failed <- err
			}()
			engines.Await(t, "the container writes", func() bool {
				_, err := os.Stat(filepath.Join(shared, "written"))
				return err == nil
			})
			close(signal)
			engines.Await(t, "the log is followed", func() bool { return proxy.looked("GET /containers//logs") })
			stop()
			wantReason(t, engines.Receive(t, failed, "the run ends"), engine.EngineLost, "output")
			nothingLeft(t, e)
		})
	}
}
