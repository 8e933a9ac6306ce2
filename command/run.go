package command

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// runOptions are the flags of run.
type runOptions struct {
	local.Options
	output, junit, report, html, logDir string
	timestamps                          bool
	// record remembers which tasks fail.
	record record
	// after is called with the result of the run, if it is not nil.
	after func(engine.Result)
}

// files returns the files and directories that a run writes.
func (o runOptions) files() []string {
	return slices.DeleteFunc([]string{o.junit, o.report, o.html, o.logDir}, func(name string) bool { return name == "" })
}

func (app App) runCommand() *cli.Command {
	flags := append(append(taskFlags(), engineFlags()...), lockedFlag())
	return &cli.Command{
		Name:      "run",
		Usage:     "run tasks",
		ArgsUsage: pathArguments,
		Description: "PATH is a file, a directory or - for standard input. Without --task every KeptnTask runs, or if there is none every " +
			"KeptnTaskDefinition that no other one calls.\n\nExit codes: 0 all passed, 1 a task failed, 2 wrong usage or invalid manifests, " +
			"3 the engine or an image could not be used, 4 a task timed out, 130 and 143 interrupted.",
		Flags: append(flags,
			&cli.StringFlag{Category: groupEngine, Name: "parallel", Aliases: []string{"j"}, Usage: "run `N` tasks at once", DefaultText: "the number of processors; 16 on a cluster"},
			&cli.BoolFlag{Category: groupRetries, Name: "fail-fast", Usage: "stop all tasks when one has not passed"},
			&cli.StringFlag{Category: groupEngine, Name: "warm", Usage: "leave `N` started containers for the next run of the same images; not with CI set", DefaultText: "0"},
			&cli.StringFlag{Category: groupEngine, Name: "keep", Usage: "keep the containers of attempts `WHEN`: never, failed or always; they hold the secrets in clear text", DefaultText: "never"},
			&cli.BoolFlag{Category: groupSelect, Name: "failed", Usage: "run only the tasks that had not passed when they last ran with these paths"},
			&cli.BoolFlag{Category: groupOutput, Name: "watch", Usage: "run again what a change of a manifest, another file or a mounted source affects"},
			formFlag("auto", "live", "plain", "json", "quiet", "github"), quietFlag("print only what has not passed, like -o quiet"),
			&cli.BoolFlag{Category: groupOutput, Name: "verbose", Aliases: []string{"v"}, Usage: "print what ktask does and why: settings, engine, images"},
			&cli.StringFlag{Category: groupOutput, Name: "junit", Usage: "write a JUnit report to `FILE`"},
			&cli.StringFlag{Category: groupOutput, Name: "report", Usage: "write the result as JSON to `FILE`"},
			&cli.StringFlag{Category: groupOutput, Name: "html", Usage: "write a page about the run to `FILE`: times, output of each attempt"},
			&cli.StringFlag{Category: groupOutput, Name: "log-dir", Usage: "write the output of each attempt to TASK-ATTEMPT.log in `DIR`"},
			&cli.BoolFlag{Category: groupOutput, Name: "timestamps", Usage: "print the time before each line of output"}),
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
	o.record = app.record(s)
	choose, again := everything, settings{flags: s.flags}.yes("failed") // in a file it would let hooks pass
	switch {
	case again && s.watches():
		return usagef("--failed and --watch exclude each other: --watch runs again what has failed when its input changes")
	case s.watches():
		return app.watch(c.Context, s, o)
	case again:
		if choose, err = app.runFailed(s, o.record); err != nil {
			return err
		}
	}
	return app.runOnce(c.Context, s, o, choose)
}

// runOnce loads the tasks, and runs those that choose leaves in the plan.
func (app App) runOnce(ctx context.Context, s settings, o runOptions, choose func(plan.Plan) (plan.Plan, error)) error {
	tasks, err := s.taskOptions()
	if err != nil {
		return err
	}
	tasks.Node, tasks.OnCluster = o.EngineOptions.Node()
	tasks.reports, tasks.settings = []string{o.junit, o.report, o.html}, s.project.name()
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
	if p, err = choose(p); err != nil {
		return err
	}
	l, err := app.applyLock(ctx, s, p)
	if err != nil {
		return err
	}
	app.explainPlan(s, l.plan, o.Options)
	app.noteHostNames(s, l.plan)
	return app.execute(ctx, s, o, l)
}

func (s settings) runOptions(app App) (runOptions, error) {
	output, err := s.form()
	if err != nil {
		return runOptions{}, err
	}
	o := runOptions{
		Options: local.Options{FailFast: s.yes("fail-fast"), Version: app.Version, Runs: local.UserRuns(), Guardian: app.Executable},
		output:  output, junit: s.text("junit", ""), report: s.text("report", ""), html: s.text("html", ""), logDir: s.text("log-dir", ""), timestamps: s.yes("timestamps"),
	}
	for _, flag := range []string{"junit", "report", "html", "log-dir"} {
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

// form returns the form of the output. Either of --output and --quiet on the command line takes precedence over both in the file.
func (s settings) form() (string, error) {
	output, err := s.choice("output", "auto", "auto", "live", "plain", "json", "quiet", "github")
	if err != nil {
		return "", err
	}
	quiet, typed := s.yes("quiet"), s.typed("quiet") == "true"
	switch written := s.typed("output"); {
	case typed && written != "" && written != "quiet":
		return "", usagef("--quiet and --output %s exclude each other", written)
	case quiet && s.yes("verbose"):
		return "", usagef("--quiet and --verbose exclude each other")
	case quiet && (typed || written == ""):
		output = "quiet"
	}
	if !typed && s.typed("output") == "" && os.Getenv("GITHUB_ACTIONS") == "true" {
		output = "auto" // a file must not switch off the escapes that keep GitHub from running a task's output as commands
	}
	return output, nil
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
