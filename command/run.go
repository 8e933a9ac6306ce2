package command

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// runOptions are the flags of run.
type runOptions struct {
	local.Options
	output, junit, report, html string
	timestamps                  bool
	// after is called with the result of the run, if it is not nil.
	after func(engine.Result)
}

func (app App) runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run tasks",
		ArgsUsage: pathArguments,
		Description: "PATH is a file, a directory or - for standard input. Without --task every KeptnTask runs, or if there is none\n" +
			"every KeptnTaskDefinition that no other one calls.\n\n" +
			"Exit codes: 0 all passed, 1 a task failed, 2 wrong usage or invalid manifests, 3 the engine or an image could\n" +
			"not be used, 4 a task timed out, 130 and 143 interrupted.",
		Flags: append(append(taskFlags(), engineFlags()...), lockedFlag(),
			&cli.StringFlag{Name: "parallel", Aliases: []string{"j"}, Usage: "run `N` tasks at once", DefaultText: "the number of processors"},
			&cli.BoolFlag{Name: "fail-fast", Usage: "stop all tasks when one has not passed"},
			&cli.StringFlag{Name: "warm", Usage: "leave `N` started containers for the next run of the same images; not with CI set", DefaultText: "0"},
			&cli.BoolFlag{Name: "watch", Usage: "run again what a change of a manifest, another file or a mounted source affects"},
			&cli.StringFlag{Name: "keep", Usage: "keep the containers of attempts: never, failed or always; they hold the secrets in clear text", DefaultText: "never"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "auto, live, plain, json, quiet or github", DefaultText: "auto"},
			&cli.StringFlag{Name: "junit", Usage: "write a JUnit report to `FILE`"},
			&cli.StringFlag{Name: "report", Usage: "write the result as JSON to `FILE`"},
			&cli.StringFlag{Name: "html", Usage: "write a page about the run to `FILE`: times, output of each attempt"},
			&cli.BoolFlag{Name: "timestamps", Usage: "print the time before each line of output"},
			&cli.BoolFlag{Name: "no-color", Usage: "do not use colors, like NO_COLOR"}),
		Action: app.run,
	}
}

func (app App) run(c *cli.Context) error {
	s, err := app.settings(c)
	if err != nil {
		return err
	}
	o, err := s.runOptions(app)
	if err != nil {
		return err
	}
	if s.watches() {
		return app.watch(c.Context, s, o)
	}
	return app.runOnce(c.Context, s, o, func(p plan.Plan) plan.Plan { return p })
}

// runOnce loads the tasks, and runs those that choose leaves in the plan.
func (app App) runOnce(ctx context.Context, s settings, o runOptions, choose func(plan.Plan) plan.Plan) error {
	tasks, err := s.taskOptions()
	if err != nil {
		return err
	}
	tasks.Node = o.EngineOptions.Node()
	tasks.reports = []string{o.junit, o.report, o.html}
	tasks.annotate = app.form(o) == "github"
	t := showWarnings
	if o.output == "quiet" {
		t = showErrors
	}
	p, err := app.load(s, tasks, t)
	if err != nil {
		return err
	}
	if len(p.Skipped) > 0 && o.output != "quiet" {
		_, _ = fmt.Fprintln(app.Err, leftOut(p.Skipped))
	}
	l, err := app.applyLock(ctx, s, choose(p))
	if err != nil {
		return err
	}
	return app.execute(ctx, s, o, l)
}

func (s settings) runOptions(app App) (runOptions, error) {
	output, err := s.choice("output", "auto", "auto", "live", "plain", "json", "quiet", "github")
	if err != nil {
		return runOptions{}, err
	}
	if v, ok := s.one("output"); ok && !v.typed && os.Getenv("GITHUB_ACTIONS") == "true" {
		output = "auto" // a file must not switch off the escapes that keep GitHub from running a task's output as commands
	}
	o := runOptions{
		Options: local.Options{FailFast: s.yes("fail-fast"), Version: app.Version, Runs: local.UserRuns(), Guardian: app.Executable},
		output:  output, junit: s.text("junit", ""), report: s.text("report", ""), html: s.text("html", ""), timestamps: s.yes("timestamps"),
	}
	for _, flag := range []string{"junit", "report", "html"} {
		if v, ok := s.one(flag); ok && v.text == "-" {
			return o, v.wrong("the name of a file (-o json prints the result)")
		}
	}
	if v, ok := s.one("parallel"); ok {
		n, err := strconv.Atoi(v.text)
		if err != nil || n < 1 {
			return o, v.wrong("a number from 1 up")
		}
		o.Parallel = n
	}
	if o.EngineOptions, err = s.engineOptions(app); err != nil {
		return o, err
	}
	if err := s.warm(&o.Options); err != nil {
		return o, err
	}
	keep, err := s.choice("keep", "never", "never", "failed", "always")
	o.EngineOptions.Keep = local.Keep(keep)
	return o, err
}

// warm sets what the run leaves for the next one. It leaves nothing in CI, where there is no next one.
func (s settings) warm(o *local.Options) error {
	v, ok := s.one("warm")
	n, err := 0, error(nil)
	switch {
	case ok:
		n, err = strconv.Atoi(v.text)
	case s.watches():
		n = 1
	}
	if err != nil || n < 0 || n > local.MostWarm {
		return v.wrong(fmt.Sprintf("a number from 0 to %d", local.MostWarm))
	}
	if n == 0 || os.Getenv("CI") != "" {
		return nil
	}
	if o.EngineOptions.Pool, err = local.WarmPool(o.Runs, o.EngineOptions, o.Version); err != nil {
		if !ok {
			return nil
		}
		return v.wrong("left out here: " + err.Error())
	}
	o.Warm = n
	return nil
}
