package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
)

// Result is the outcome of a run, and what it has done besides running its tasks.
type Result struct {
	engine.Result
	Warnings []Warning
	// Removed is the number of containers and volumes of dead runs that have been removed.
	Removed int
	// Kept are the containers and volumes of this run that stay on the engine because of Keep, sorted by task and attempt.
	Kept []engine.Leftover
}

// CanceledError is returned by a run whose context has ended.
type CanceledError struct{ Cause error }

// Error returns the cause as text.
func (e *CanceledError) Error() string { return "run canceled: " + e.Cause.Error() }

// Unwrap returns the cause of the context.
func (e *CanceledError) Unwrap() error { return e.Cause }

// ErrAbandoned is returned by a run that has been abandoned, see Options.Abandon.
var ErrAbandoned = errors.New("run abandoned: the engine may still have something of it")

// Execute carries out a plan and returns when nothing of it is left on the engine, except for what is kept. Meanwhile it
// removes what dead runs have left. It does not use the Options that determine the plan. The Result and the errors are those
// of Run. If the plan has no tasks, no engine is made. If the engine cannot be used, nothing starts: no events are emitted, and
// each task of the Result is errored.
func Execute(ctx context.Context, p plan.Plan, o Options) (Result, error) {
	if len(p.Tasks) == 0 && o.Engine == nil {
		return executeNothing(ctx, p, o)
	}
	if o.Engine == nil {
		own, err := NewEngine(o.EngineOptions)
		if err != nil {
			return Result{}, err
		}
		defer CloseEngine(own)
		o.Engine = own
	}
	o.RunID = cmp.Or(o.RunID, engine.NewRunID())
	if r, err := checkEngine(ctx, p, o); err != nil {
		return r, err
	}
	return execute(ctx, p, o)
}

// execute carries out a plan on an engine that can be used.
func execute(ctx context.Context, p plan.Plan, o Options) (Result, error) {
	e := o.Engine
	keeps := o.EngineOptions.Keep != "" && o.EngineOptions.Keep != "never"

	var r Result
	warn := func(w Warning) {
		r.Warnings = append(r.Warnings, w)
		if o.Warn != nil {
			o.Warn(w)
		}
	}
	warnOfSecrets(p, keeps, warn)
	guardian, err := startGuardian(e, o)
	if err != nil {
		warn(Warning{Code: Unguarded, Err: err})
	}
	claim, err := o.Runs.Claim(o.RunID) // before anything of the run is on the engine
	if err != nil {
		warn(Warning{Code: Unclaimed, Err: err})
	}
	claim.On(placeOf(e))
	underWay := make(chan struct{})
	o.Sink = startWatch{o.Sink, sync.OnceFunc(func() { close(underWay) })}
	removed := removeDead(ctx, e, o.Runs, underWay)

	r.Result, err = carryOut(ctx, p, o, e)
	abandoned := errors.Is(err, ErrAbandoned)
	stays := abandoned || slices.ContainsFunc(r.Tasks, func(t engine.TaskResult) bool { return t.MayRemain })
	if stays {
		guardian.takeOver()
	} else {
		guardian.keepWarm(e, o)
	}
	if keeps && !abandoned {
		kept, err := keptOf(ctx, e, o.RunID)
		if err != nil {
			warn(Warning{Code: KeptUnknown, Err: err})
		}
		r.Kept, stays = kept, stays || len(kept) > 0 || err != nil
	}
	if stays {
		claim.Leave()
	} else {
		claim.Release()
	}
	r.Removed = removed()
	if err == nil && ctx.Err() != nil {
		err = &CanceledError{Cause: context.Cause(ctx)}
	}
	return r, err
}

// checkEngine returns an error if the engine cannot be used, and the Result of the run that it prevents. The end of ctx is not an
// error of the engine.
func checkEngine(ctx context.Context, p plan.Plan, o Options) (Result, error) {
	checker, ok := o.Engine.(engine.Checker)
	if !ok || len(p.Tasks) == 0 {
		return Result{}, nil
	}
	failure := checker.Check(ctx, p)
	if failure == nil || ctx.Err() != nil {
		return Result{}, nil
	}
	o.Sink = nil
	result, err := carryOut(ctx, p, o, unusableEngine{err: failure})
	return Result{Result: result}, cmp.Or(err, failure)
}

// unusableEngine is an engine that cannot be used: no image can be prepared on it.
type unusableEngine struct {
	engine.Engine
	err error
}

// Prepare returns why the engine cannot be used.
func (u unusableEngine) Prepare(context.Context, plan.Container, engine.Sink) error { return u.err }

// executeNothing carries out a plan without tasks: its stages pass.
func executeNothing(ctx context.Context, p plan.Plan, o Options) (Result, error) {
	result, err := carryOut(ctx, p, o, noEngine{})
	return Result{Result: result}, err
}

// noEngine is the engine of a plan without tasks: nothing calls its methods.
type noEngine struct{ engine.Engine }

// warnOfSecrets warns of secrets that the run may show.
func warnOfSecrets(p plan.Plan, kept bool, warn func(Warning)) {
	var short, tasks []string
	for _, t := range p.Tasks {
		secrets := t.Container.Secrets()
		for _, ref := range mask.Unmaskable(secrets) {
			if !slices.Contains(short, ref) {
				short = append(short, ref)
			}
		}
		if len(secrets) > 0 {
			tasks = append(tasks, t.Name)
		}
	}
	if len(short) > 0 {
		warn(Warning{Code: SecretTooShort, Names: short})
	}
	if kept && len(tasks) > 0 {
		warn(Warning{Code: SecretKept, Names: tasks})
	}
}

// carryOut runs the plan to its end, or until it is abandoned. An abandoned run continues in the background.
func carryOut(ctx context.Context, p plan.Plan, o Options, e engine.Engine) (engine.Result, error) {
	runner := engine.Runner{
		Engine: e, Sink: o.Sink, Parallel: cmp.Or(o.Parallel, Parallel(p, o.EngineOptions)), FailFast: o.FailFast, Parts: o.Parts, Terminal: o.Terminal, RunID: o.RunID, Version: o.Version,
		Owner: fmt.Sprintf("%d %s", os.Getpid(), time.Now().UTC().Format(time.RFC3339Nano)),
	}
	var result engine.Result
	over := make(chan error, 1)
	go func() {
		var err error
		result, err = runner.Run(ctx, p)
		over <- err
	}()
	select {
	case err := <-over:
		return result, err
	case <-o.Abandon:
		return engine.Result{}, ErrAbandoned
	}
}

// Parallel returns how many tasks of a plan run at once, unless Options.Parallel says so.
func Parallel(p plan.Plan, o EngineOptions) int {
	switch {
	case len(p.Stages) > 0:
		return len(p.Tasks) // Keptn starts all tasks of a stage together
	case o.Name == "kubernetes":
		return onCluster
	}
	return runtime.NumCPU()
}

// onCluster is how many tasks run at once on a cluster, whose processors are not this machine's.
const onCluster = 16

// keptOf returns what the engine keeps of a run.
func keptOf(ctx context.Context, e engine.Engine, run string) ([]engine.Leftover, error) {
	cleaner, ok := e.(engine.Cleaner)
	if !ok {
		return nil, nil
	}
	left, err := cleaner.Leftovers(context.WithoutCancel(ctx), run)
	left = slices.DeleteFunc(left, func(l engine.Leftover) bool { return !l.Kept })
	slices.SortStableFunc(left, func(a, b engine.Leftover) int {
		return cmp.Or(strings.Compare(a.Labels.Task, b.Labels.Task), a.Labels.Attempt-b.Labels.Attempt)
	})
	return left, err
}
