// Package enginetest helps to test engines, the Runner and reporters.
//
// In come scripts and events, out go calls and errors for a test to check. Fake is an engine that plays scripts, Recorder a
// sink that records, and Conformance the suite that every engine has to pass. Nothing here uses a real engine, and nothing
// of it is linked into ktask.
package enginetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Forever is how long a process runs that ends only when it is stopped.
const Forever = time.Duration(math.MaxInt64)

// Fake is an engine that plays scripts. It waits only on the clock, so in a testing/synctest bubble it takes no time. It is
// safe for concurrent use; the exported fields must be set before the first call. The zero Fake has every image and
// refuses every task.
type Fake struct {
	// Tasks are the scripts by the name of the task, one for each attempt in order.
	Tasks map[string][]Attempt
	// Play returns the script of a task that is not in Tasks.
	Play func(plan.Container, engine.Labels) Attempt
	// Images is what Prepare does, by image. An image that is not in it is available at once.
	Images map[string]Pull
	// Info and InfoErr are the results of Describe, DescribeTakes is how long it takes.
	Info          engine.Info
	InfoErr       error
	DescribeTakes time.Duration
	// KeepTakes is how long KeepVolumes takes, KeepErr and ReleaseErr are its error and that of the release.
	KeepTakes  time.Duration
	KeepErr    error
	ReleaseErr error

	mu      sync.Mutex
	calls   []Call
	running int
	peak    int
	// volumes are the names of the files in shared volumes, by task.
	volumes map[taskKey][]string
}

type taskKey struct{ run, task string }

// Pull is what Prepare does for an image.
type Pull struct {
	Takes    time.Duration
	Progress []engine.ImageProgress
	Err      error
}

// Call is one call of the engine.
type Call struct {
	// Method is Prepare, KeepVolumes, Ready, Run, Release, Unready or Describe.
	Method  string
	Image   string
	Task    string
	Attempt int
	Labels  engine.Labels
	At      time.Time
}

// Describe returns Info.
func (f *Fake) Describe(ctx context.Context) (engine.Info, error) {
	f.record(Call{Method: "Describe"})
	if err := wait(ctx, f.DescribeTakes); err != nil {
		return engine.Info{}, err
	}
	return f.Info, f.InfoErr
}

// Prepare plays the image's Pull.
func (f *Fake) Prepare(ctx context.Context, c plan.Container, sink engine.Sink) error {
	f.record(Call{Method: "Prepare", Image: c.Image})
	pull := f.Images[c.Image]
	for _, p := range pull.Progress {
		sink.Emit(p)
	}
	if err := wait(ctx, pull.Takes); err != nil {
		return err
	}
	return pull.Err
}

// KeepVolumes lets the attempts of a task share the files in their volume.
func (f *Fake) KeepVolumes(ctx context.Context, c plan.Container, labels engine.Labels) (func(context.Context) error, error) {
	call := Call{Method: "KeepVolumes", Image: c.Image, Task: labels.Task, Labels: labels}
	f.record(call)
	if err := wait(ctx, f.KeepTakes); err != nil {
		return nil, err
	}
	if f.KeepErr != nil {
		return nil, f.KeepErr
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.volumes == nil {
		f.volumes = map[taskKey][]string{}
	}
	key := taskKey{labels.Run, labels.Task}
	f.volumes[key] = []string{}
	return func(context.Context) error {
		call.Method = "Release"
		f.record(call)
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.volumes, key)
		return f.ReleaseErr
	}, nil
}

// use plays what an attempt does with its volume.
func (f *Fake) use(a Attempt, labels engine.Labels, out engine.Output) {
	f.mu.Lock()
	key := taskKey{labels.Run, labels.Task}
	held, shared := f.volumes[key]
	if shared && a.Leaves != "" {
		f.volumes[key] = append(slices.Clone(held), a.Leaves)
	}
	f.mu.Unlock()
	if a.Lists {
		for _, name := range held {
			print(out, Out(name))
		}
	}
}

// ReadyFake is a Fake that can prepare attempts.
type ReadyFake struct {
	*Fake
	// Busy is how long Ready waits for the machine, and ReadyTakes how long it takes after that.
	Busy, ReadyTakes time.Duration
	// ReadyErr and UnreadyErr are its error and that of the release.
	ReadyErr, UnreadyErr error
}

// Ready records the call. The release counts as something that is left until it is called.
func (f ReadyFake) Ready(ctx context.Context, c plan.Container, labels engine.Labels) (func(context.Context) error, error) {
	if wait(ctx, f.Busy) != nil {
		return func(context.Context) error { return nil }, nil
	}
	call := Call{Method: "Ready", Image: c.Image, Task: labels.Task, Attempt: labels.Attempt, Labels: labels}
	f.record(call)
	time.Sleep(f.ReadyTakes)
	if f.ReadyErr != nil {
		return nil, f.ReadyErr
	}
	f.count(1)
	return func(context.Context) error {
		call.Method = "Unready"
		f.record(call)
		f.count(-1)
		return f.UnreadyErr
	}, nil
}

// Run plays one attempt.
func (f *Fake) Run(ctx context.Context, c plan.Container, labels engine.Labels, out engine.Output) (engine.Exit, error) {
	f.record(Call{Method: "Run", Image: c.Image, Task: labels.Task, Attempt: labels.Attempt, Labels: labels})
	if ctx.Err() != nil {
		return engine.Exit{}, context.Cause(ctx)
	}
	script, err := f.script(c, labels)
	if err != nil {
		return engine.Exit{}, err
	}
	f.count(1)
	defer f.count(-1)
	time.Sleep(script.StartTakes)
	started := time.Now()
	exit := script.Exit
	f.use(script, labels, out)
	if out.Started != nil {
		out.Started()
	}
	if stopped := script.play(ctx, out); stopped {
		exit = script.stop(c.Grace, out)
	} else if script.Err != nil {
		return engine.Exit{}, script.Err
	}
	if exit.Started.IsZero() {
		exit.Started = started
	}
	if exit.Finished.IsZero() {
		exit.Finished = time.Now()
	}
	return exit, nil
}

func (f *Fake) script(c plan.Container, labels engine.Labels) (Attempt, error) {
	if scripts, ok := f.Tasks[labels.Task]; ok && labels.Attempt <= len(scripts) {
		return scripts[labels.Attempt-1], nil
	} else if !ok && f.Play != nil {
		return f.Play(c, labels), nil
	}
	return Attempt{}, &engine.Error{
		Reason: engine.EngineRefused,
		Err:    fmt.Errorf("play attempt %d of task %q: the fake has no script for it", labels.Attempt, labels.Task),
		Remedy: engine.Remedy{Text: "add an Attempt to Fake.Tasks"},
	}
}

// Calls returns the calls so far, in order.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Starts returns the times at which the attempts of a task started.
func (f *Fake) Starts(task string) []time.Time {
	var at []time.Time
	for _, c := range f.Calls() {
		if c.Method == "Run" && c.Task == task {
			at = append(at, c.At)
		}
	}
	return at
}

// Left returns the number of containers and of tasks with shared volumes that are on the engine now.
func (f *Fake) Left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running + len(f.volumes)
}

// Peak returns the highest number of containers that were on the engine at once.
func (f *Fake) Peak() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.peak
}

func (f *Fake) record(c Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.At = time.Now()
	f.calls = append(f.calls, c)
}

func (f *Fake) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running += n
	f.peak = max(f.peak, f.running)
}

// wait waits for d, or returns the cause of ctx if that ends first or at the same instant.
func wait(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
