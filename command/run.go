package command

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// runOptions are run's own flags.
type runOptions struct {
	parallel   int
	failFast   bool
	pull       plan.PullPolicy
	engine     EngineOptions
	output     string
	junit      string
	report     string
	timestamps bool
}

func (app App) runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run tasks",
		ArgsUsage: "PATH...",
		Description: "PATH is a file, a directory or - for standard input. Without --task every KeptnTask runs, or if there is none\n" +
			"every KeptnTaskDefinition that no other one calls.\n\n" +
			"Exit codes: 0 all passed, 1 a task failed, 2 wrong usage or invalid manifests, 3 the engine or an image could\n" +
			"not be used, 4 a task timed out, 130 and 143 interrupted.",
		Flags: append(append(taskFlags(), engineFlags()...),
			&cli.StringFlag{Name: "parallel", Aliases: []string{"j"}, Usage: "run `N` tasks at once", DefaultText: "the number of processors"},
			&cli.BoolFlag{Name: "fail-fast", Usage: "stop everything once a task has not passed"},
			&cli.StringFlag{Name: "pull", Usage: "missing, always or never", DefaultText: "what the manifest says"},
			&cli.BoolFlag{Name: "offline", Usage: "use the images that the engine has, like --pull never"},
			&cli.StringFlag{Name: "keep", Usage: "keep the containers of attempts: never, failed or always", DefaultText: "never"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "auto, live, plain, json, quiet or github", DefaultText: "auto"},
			&cli.StringFlag{Name: "junit", Usage: "write a JUnit report to `FILE`"},
			&cli.StringFlag{Name: "report", Usage: "write the result as JSON to `FILE`"},
			&cli.BoolFlag{Name: "timestamps", Usage: "put the time before each line of output"},
			&cli.BoolFlag{Name: "no-color", Usage: "do without colours, like NO_COLOR"}),
		Action: app.run,
	}
}

func (app App) run(c *cli.Context) error {
	s, err := newSettings(c)
	if err != nil {
		return err
	}
	o, err := s.runOptions(app)
	if err != nil {
		return err
	}
	tasks, err := s.taskOptions()
	if err != nil {
		return err
	}
	tasks.Node = node(o.engine)
	t := tellWarnings
	if o.output == "quiet" {
		t = tellErrors
	}
	p, err := app.load(s, tasks, t)
	if err != nil {
		return err
	}
	if len(p.Skipped) > 0 && o.output != "quiet" {
		_, _ = fmt.Fprintln(app.Err, leftOut(p.Skipped))
	}
	return app.execute(c.Context, s, o, o.pulled(p))
}

func (s settings) runOptions(app App) (runOptions, error) {
	o := runOptions{
		parallel: runtime.NumCPU(), failFast: s.yes("fail-fast"),
		output: s.text("output", "auto"), junit: s.text("junit", ""), report: s.text("report", ""), timestamps: s.yes("timestamps"),
	}
	if v, ok := s.one("parallel"); ok {
		n, err := strconv.Atoi(v.text)
		if err != nil || n < 1 {
			return o, usagef("--parallel takes a number from 1 up, not %q", v.text)
		}
		o.parallel = n
	}
	pull, known := map[string]plan.PullPolicy{
		"": "", "missing": plan.PullIfNotPresent, "always": plan.PullAlways, "never": plan.PullNever,
	}[s.text("pull", "")]
	if !known {
		return o, usagef("--pull takes missing, always or never, not %q", s.text("pull", ""))
	}
	o.pull = pull
	if s.yes("offline") {
		o.pull = plan.PullNever
	}
	var err error
	if o.engine, err = s.engineOptions(app); err != nil {
		return o, err
	}
	switch o.engine.Keep = s.text("keep", "never"); o.engine.Keep {
	case "never", "failed", "always":
		return o, nil
	}
	return o, usagef("--keep takes never, failed or always, not %q", o.engine.Keep)
}

// pulled applies --pull, which is about this machine and not about the plan.
func (o runOptions) pulled(p plan.Plan) plan.Plan {
	if o.pull != "" {
		for i := range p.Tasks {
			p.Tasks[i].Container.PullPolicy = o.pull
		}
	}
	return p
}

// execute carries the plan out and turns its result into files and an exit code.
func (app App) execute(ctx context.Context, s settings, o runOptions, p plan.Plan) error {
	reports, err := app.reports(s, o, p)
	if err != nil {
		return err
	}
	defer reports.close()
	e, err := app.NewEngine(o.engine)
	if err != nil {
		return exitError{exitEngine, err}
	}
	id, err := runID()
	if err != nil {
		return exitError{exitEngine, err}
	}
	ctx, stop := app.interruptible(ctx, e, id)
	defer stop()
	runner := engine.Runner{
		Engine: e, Sink: reports.sink, Parallel: o.parallel, FailFast: o.failFast,
		RunID: id, Owner: owner(), Version: app.Version,
	}
	result, err := runner.Run(ctx, p)
	if err != nil {
		return exitError{exitEngine, err}
	}
	if err := reports.write(result); err != nil {
		return exitError{exitEngine, err}
	}
	var by interrupt
	if errors.As(context.Cause(ctx), &by) {
		return exitError{by.code(), nil}
	}
	if code := resultCode(result); code != exitOK {
		return exitError{code, nil}
	}
	return nil
}

// interruptible ends the context at the first signal, with the signal as its cause, and kills the run's containers
// at the second. stop ends the listening and waits for it.
func (app App) interruptible(ctx context.Context, e engine.Engine, run string) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for count := 1; ; count++ {
			select {
			case signal := <-app.Signals:
				if count == 1 {
					_, _ = fmt.Fprintf(app.Err, "\nktask: %v: stopping, once more to kill\n", signal)
					cancel(interrupt{signal})
				} else if killer, ok := e.(engine.Killer); ok {
					_ = killer.Kill(context.WithoutCancel(ctx), run) // the attempts say what came of it
				}
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		close(done)
		<-ended
		cancel(nil)
	}
}

// runID is unique on an engine that several people use.
func runID() (string, error) {
	var id [6]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", fmt.Errorf("make a run id: %w", err)
	}
	return hex.EncodeToString(id[:]), nil
}

// owner names this process: host, pid, start time.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s %d %d", host, os.Getpid(), time.Now().Unix())
}
