package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// TestBrokenSink holds that after any failure of a sink no container is left and Run returns an error.
func TestBrokenSink(t *testing.T) {
	for name, breaks := range map[string]func(){
		"panics":  func() { panic("no more paper") },
		"Goexits": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				noisy := enginetest.Attempt{Takes: enginetest.Forever, StopTakes: second}
				for range 3 * 4096 {
					noisy.Output = append(noisy.Output, out("line"))
				}
				fake, tasks := scripted(noisy, noisy, noisy)
				lines := 0
				r := engine.Runner{Engine: fake, Parallel: 2, Sink: engine.SinkFunc(func(e engine.Event) {
					if _, ok := e.(engine.OutputLine); ok {
						if lines++; lines == 10 {
							time.Sleep(ms) // of virtual time, which passes when the queue is full and the engine waits for room
							breaks()
						}
					}
				})}
				result, err := r.Run(t.Context(), plan.Plan{Tasks: tasks})
				var broken *engine.SinkPanicError
				if !errors.As(err, &broken) || len(broken.Stack) == 0 {
					t.Fatalf("Run gives %v", err)
				}
				if name == "panics" && !strings.Contains(err.Error(), "no more paper") {
					t.Errorf("the error does not name the panic: %v", err)
				}
				if fake.Left() != 0 {
					t.Errorf("%d containers are left", fake.Left())
				}
				if got := outcomes(result); got != "canceled/Interrupted canceled/Interrupted canceled/Interrupted" {
					t.Errorf("outcomes are %s", got)
				}
			})
		})
	}
}

// TestBackpressure holds that a slow sink slows the task down and the queue stays short, in events and in bytes.
func TestBackpressure(t *testing.T) {
	for name, line := range map[string]string{"short lines": "x", "long lines": strings.Repeat("x", engine.MaxLine)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				total := int64(20000)
				if len(line) > 1 {
					total = 2000
				}
				var emitted, seen, gap atomic.Int64
				noisy := writer(func(o engine.Output) {
					for range total {
						_, _ = io.WriteString(o.Stdout, line+"\n")
						emitted.Add(1)
					}
				})
				r := engine.Runner{Engine: noisy, Sink: engine.SinkFunc(func(e engine.Event) {
					if _, ok := e.(engine.OutputLine); ok {
						time.Sleep(ms) // of virtual time
						gap.Store(max(gap.Load(), emitted.Load()-seen.Add(1)))
					}
				})}
				if _, err := r.Run(t.Context(), plan.Plan{Tasks: []plan.Task{task("t")}}); err != nil {
					t.Fatal(err)
				}
				most := min(int64(2*4096), int64(2<<20/len(line)))
				if seen.Load() != total || gap.Load() > most {
					t.Errorf("%d of %d lines seen, up to %d waited, at most %d may", seen.Load(), total, gap.Load(), most)
				}
			})
		})
	}
}

// TestLinesTogether holds that lines that are written together, and fill the queue, arrive once and in order beside those of another
// stream, and that time does not go backwards.
func TestLinesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total, long = 10_000, 500
		var begin, rest strings.Builder
		for i := range total {
			if i < long { // more than the queue takes while its goroutine waits for the first
				fmt.Fprintln(&begin, i, strings.Repeat("x", 8<<10))
			} else {
				fmt.Fprintln(&rest, i)
			}
		}
		both := writer(func(o engine.Output) {
			_, _ = io.WriteString(o.Stdout, begin.String())
			var stderr sync.WaitGroup
			defer stderr.Wait()
			stderr.Go(func() {
				for i := range total {
					_, _ = fmt.Fprintln(o.Stderr, i)
				}
			})
			_, _ = io.WriteString(o.Stdout, rest.String())
		})
		next := map[engine.Stream]int{}
		var last time.Time
		r := engine.Runner{Engine: both, Sink: engine.SinkFunc(func(e engine.Event) {
			if now := e.Head().Time; now.Before(last) {
				t.Errorf("%v comes after %v", now, last)
			} else {
				last = now
			}
			if line, ok := e.(engine.OutputLine); ok {
				time.Sleep(ms) // of virtual time
				if number, _, _ := strings.Cut(line.Line, " "); number != strconv.Itoa(next[line.Stream]) {
					t.Errorf("%s has line %s, not %d", line.Stream, number, next[line.Stream])
				}
				next[line.Stream]++
			}
		})}
		if _, err := r.Run(t.Context(), plan.Plan{Tasks: []plan.Task{task("t")}}); err != nil {
			t.Fatal(err)
		}
		if next[engine.Stdout] != total || next[engine.Stderr] != total {
			t.Errorf("%v lines arrived, not %d of each", next, total)
		}
	})
}

// TestFlush holds that a sink is flushed when no event is waiting.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, tasks := scripted(enginetest.Attempt{Takes: time.Hour, Output: []enginetest.Line{out("a"), out("b")}})
		sink := &buffering{}
		go func() {
			time.Sleep(second) // of virtual time
			synctest.Wait()
			if n := sink.waiting.Load(); n != 0 {
				t.Errorf("%d events wait while the task is silent", n)
			}
		}()
		if _, err := (engine.Runner{Engine: fake, Sink: sink}).Run(t.Context(), plan.Plan{Tasks: tasks}); err != nil {
			t.Fatal(err)
		}
		if sink.waiting.Load() != 0 || sink.flushes.Load() == 0 {
			t.Errorf("%d events wait after the run, %d flushes", sink.waiting.Load(), sink.flushes.Load())
		}
	})
}

type buffering struct{ waiting, flushes atomic.Int64 }

func (b *buffering) Emit(engine.Event) { b.waiting.Add(1) }
func (b *buffering) Flush()            { b.waiting.Store(0); b.flushes.Add(1) }

// writer is an engine whose attempts write and end.
type writer func(engine.Output)

func (w writer) Prepare(context.Context, plan.Container, engine.Sink) error { return nil }

func (w writer) Run(_ context.Context, _ plan.Container, _ engine.Labels, out engine.Output) (engine.Exit, error) {
	w(out)
	return engine.Exit{}, nil
}

// BenchmarkEvents measures a line from the engine to the sink.
func BenchmarkEvents(b *testing.B) {
	line := strings.Repeat("x", 80)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	r := engine.Runner{Engine: writer(func(o engine.Output) {
		for range b.N {
			_, _ = io.WriteString(o.Stdout, line+"\n")
		}
	})}
	if _, err := r.Run(b.Context(), plan.Plan{Tasks: []plan.Task{task("t")}}); err != nil {
		b.Fatal(err)
	}
}
