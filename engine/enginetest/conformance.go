package enginetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Fixture is an engine under test, with the containers that the suite needs. All of its fields are set.
type Fixture struct {
	Engine engine.Engine
	// Container returns a container that does what a script says. Of Exit the suite sets Code and, for a command that
	// cannot be executed, Reason; the image is available. If the script uses a volume, the container has one plan.Tmpfs.
	Container func(Attempt) plan.Container
	// OneStream reports whether the engine has both streams of the output as one, which is stdout.
	OneStream bool
	// MissingImage returns a container whose image cannot be pulled.
	MissingImage func() plan.Container
	// Left lists what is left of a run on the engine: containers, volumes and whatever else it makes.
	Left func(ctx context.Context, run string) ([]string, error)
}

// Conformance tests the contract of engine.Engine. Every engine has to pass it, the Fake too.
func Conformance(t *testing.T, newFixture func(testing.TB) Fixture) {
	conform(t, newFixture, []conformanceCase{
		{"an image that is there is prepared at once, as often as asked", prepared},
		{"a missing image is an error that names it", imageMissing},
		{"a process that ends with 0", exitsZero},
		{"a process that fails is an exit and no error", exitsOther},
		{"the output is complete and in order when Run returns", outputComplete},
		{"a secret that the process prints is hidden", secretHidden},
		{"a missing command is an exit that names it", commandMissing},
		{"a ctx that has ended starts nothing", endedBefore},
		{"the start of the process is told", startIsTold},
		{"the end of ctx stops the process, and its last words are heard", stoppedWhileRunning},
		{"a process that ignores the stop signal is killed after its grace", killedAfterGrace},
		{"attempts run side by side without mixing", sideBySide},
		{"a volume is empty for each attempt", volumeOfItsOwn},
	})
}

type conformanceCase struct {
	name string
	test func(*testing.T, *suite)
}

func conform(t *testing.T, newFixture func(testing.TB) Fixture, cases []conformanceCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &suite{Fixture: newFixture(t), run: "conformance-" + fmt.Sprint(time.Now().UnixNano())}
			// Also after a failure: leftovers are a separate error.
			defer s.nothingLeft(t)
			c.test(t, s)
		})
	}
}

// secretHidden holds that a secret is masked although the engine does not mask it.
func secretHidden(t *testing.T, s *suite) {
	const secret = "correct horse battery"
	c := s.Container(Exits(0, 0, Out("the password is "+secret), Err(secret), Out("Y29ycmVjdCBob3JzZSBiYXR0ZXJ5")))
	c.Env = append(c.Env, plan.EnvVar{Name: "PASSWORD", Value: plan.Hidden(plan.NewSecret("s/PASSWORD", secret))})
	var heard Recorder
	if _, err := s.attempt(t.Context(), c, &heard); err != nil {
		t.Fatalf("run: %v", err)
	}
	s.wantStreams(t, &heard, []string{"the password is " + plan.Mask, plan.Mask}, []string{plan.Mask})
}

func prepared(t *testing.T, s *suite) {
	c := s.Container(Exits(0, 0))
	var together sync.WaitGroup
	for range 4 {
		together.Go(func() {
			for range 2 {
				if err := s.Engine.Prepare(t.Context(), c, &Recorder{}); err != nil {
					t.Errorf("prepare: %v", err)
				}
			}
		})
	}
	together.Wait()
}

func imageMissing(t *testing.T, s *suite) {
	err := s.Engine.Prepare(t.Context(), s.MissingImage(), &Recorder{})
	if err == nil { // the image is pulled when the container starts
		_, err = s.attempt(t.Context(), s.MissingImage(), &Recorder{})
	}
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok {
		t.Fatalf("prepare gave %v (%T), want an *engine.Error", err, err)
	}
	if failure.Reason != engine.ImageNotFound || !failure.Remedy.Known() {
		t.Errorf("reason %q with remedy %q, want ImageNotFound and what to do", failure.Reason, failure.Remedy)
	}
	s.start(t, t.Context(), Exits(0, 0)) // the engine is still usable
}

func exitsZero(t *testing.T, s *suite) {
	exit, heard := s.start(t, t.Context(), Exits(0, 0, Out("to stdout"), Err("to stderr")))
	wantExit(t, exit, engine.Exit{})
	if exit.Started.IsZero() || exit.Finished.Before(exit.Started) {
		t.Errorf("started %v, finished %v", exit.Started, exit.Finished)
	}
	s.wantStreams(t, heard, []string{"to stdout"}, []string{"to stderr"})
}

// startIsTold holds that the engine tells when the process has started, and before it ends.
func startIsTold(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	out := engine.Output{Stdout: io.Discard, Stderr: io.Discard, Message: func(r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	}, Started: func() { cancel(errors.New("it has started")) }}
	labels := engine.Labels{Run: s.run, Task: "started", Attempt: 1, Owner: "conformance", Version: "test"}
	exit, err := s.Engine.Run(ctx, s.Container(Exits(0, time.Hour)), labels, out)
	if err != nil || !exit.Stopped {
		t.Errorf("exit %+v (%v), want one that Started stopped", exit, err)
	}
}

func exitsOther(t *testing.T, s *suite) {
	for _, code := range []int{1, 3, 255} {
		exit, _ := s.start(t, t.Context(), Exits(code, 0))
		wantExit(t, exit, engine.Exit{Code: code})
	}
}

func outputComplete(t *testing.T, s *suite) {
	const count = 500
	var lines []Line
	var out, errs []string
	for i := range count {
		out, errs = append(out, fmt.Sprint("out ", i)), append(errs, fmt.Sprint("err ", i))
		lines = append(lines, Out(out[i]), Err(errs[i]))
	}
	_, heard := s.start(t, t.Context(), Exits(0, 0, lines...))
	before := len(heard.Events())
	s.wantStreams(t, heard, out, errs)
	s.start(t, t.Context(), Exits(0, 0)) // time in which a late leftover would appear
	if after := len(heard.Events()); after != before {
		t.Errorf("%d events came after Run had returned", after-before)
	}
}

func commandMissing(t *testing.T, s *suite) {
	const message = "what the fake says; an engine has its own words"
	script := Attempt{Exit: engine.Exit{Code: 127, Reason: engine.CommandNotFound, Message: message}}
	exit, _ := s.start(t, t.Context(), script)
	wantExit(t, exit, engine.Exit{Code: 127, Reason: engine.CommandNotFound})
	if exit.Message == "" {
		t.Error("no message says which command")
	}
}

func endedBefore(t *testing.T, s *suite) {
	cause := errors.New("the cause")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	var heard Recorder
	exit, err := s.attempt(ctx, s.Container(Exits(0, 0, Out("must not run"))), &heard)
	if !errors.Is(err, cause) {
		t.Errorf("run gave %+v and error %v, want the cause of ctx", exit, err)
	}
	if lines := heard.Lines("", engine.Stdout); len(lines) > 0 {
		t.Errorf("it ran: %q", lines)
	}
}

func stoppedWhileRunning(t *testing.T, s *suite) {
	exit, heard := s.stopOnceReady(t, Attempt{
		Output: []Line{Out("ready")}, Takes: Forever, LastWords: []Line{Out("last words")},
	}, time.Minute)
	wantExit(t, exit, engine.Exit{Code: 143, Signal: "SIGTERM", Stopped: true})
	wantLines(t, heard, engine.Stdout, "ready", "last words")
}

func killedAfterGrace(t *testing.T, s *suite) {
	exit, _ := s.stopOnceReady(t, Attempt{Output: []Line{Out("ready")}, Takes: Forever, IgnoresStop: true}, 200*time.Millisecond)
	wantExit(t, exit, engine.Exit{Code: 137, Signal: "SIGKILL", Stopped: true})
}

// stopOnceReady runs a script and ends its ctx at the first line of output.
func (s *suite) stopOnceReady(t *testing.T, script Attempt, grace time.Duration) (engine.Exit, *Recorder) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var heard Recorder
	var told time.Time
	c := s.Container(script)
	c.Grace = grace
	exit, err := s.attempt(ctx, c, engine.SinkFunc(func(e engine.Event) {
		heard.Emit(e)
		if told.IsZero() {
			told = time.Now()
			cancel()
		}
	}))
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	if took := time.Since(told); script.IgnoresStop && took < grace {
		t.Errorf("it was over %v after the stop, the grace is %v", took, grace)
	}
	return exit, &heard
}

func sideBySide(t *testing.T, s *suite) {
	var together sync.WaitGroup
	for i := range 6 {
		together.Go(func() {
			var heard Recorder
			text := fmt.Sprint("container ", i)
			exit, err := s.attempt(t.Context(), s.Container(Exits(i, 0, Out(text))), &heard)
			if err != nil {
				t.Errorf("run: %v", err)
				return
			}
			wantExit(t, exit, engine.Exit{Code: i})
			wantLines(t, &heard, engine.Stdout, text)
		})
	}
	together.Wait()
}

// wantExit compares the fields of an Exit that every engine sets.
func wantExit(t *testing.T, got, want engine.Exit) {
	t.Helper()
	if got.Code != want.Code || got.Signal != want.Signal || got.Stopped != want.Stopped || got.Reason != want.Reason ||
		got.OOMKilled != want.OOMKilled {
		t.Errorf("exit %+v, want %+v", got, want)
	}
}

// wantStreams compares the lines of both streams. In one stream lines of different streams may have changed places.
func (s *suite) wantStreams(t *testing.T, heard *Recorder, out, errs []string) {
	t.Helper()
	if !s.OneStream {
		wantLines(t, heard, engine.Stdout, out...)
		wantLines(t, heard, engine.Stderr, errs...)
		return
	}
	got, want := heard.Lines("", engine.Stdout), slices.Concat(out, errs)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the output is %d lines %.200q, want %d lines %.200q", len(got), got, len(want), want)
	}
}

func wantLines(t *testing.T, heard *Recorder, stream engine.Stream, want ...string) {
	t.Helper()
	if got := heard.Lines("", stream); !slices.Equal(got, want) {
		t.Errorf("%s is %d lines %.200q, want %d lines %.200q", stream, len(got), got, len(want), want)
	}
}
