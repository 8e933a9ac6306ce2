package command

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
)

// runOptions are the flags of run.
type runOptions struct {
	parallel   int
	failFast   bool
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
		ArgsUsage: pathArguments,
		Description: "PATH is a file, a directory or - for standard input. Without --task every KeptnTask runs, or if there is none\n" +
			"every KeptnTaskDefinition that no other one calls.\n\n" +
			"Exit codes: 0 all passed, 1 a task failed, 2 wrong usage or invalid manifests, 3 the engine or an image could\n" +
			"not be used, 4 a task timed out, 130 and 143 interrupted.",
		Flags: append(append(taskFlags(), engineFlags()...),
			&cli.StringFlag{Name: "parallel", Aliases: []string{"j"}, Usage: "run `N` tasks at once", DefaultText: "the number of processors"},
			&cli.BoolFlag{Name: "fail-fast", Usage: "stop all tasks when one has not passed"},
			&cli.StringFlag{Name: "keep", Usage: "keep the containers of attempts: never, failed or always; they hold the secrets in clear text", DefaultText: "never"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "auto, live, plain, json, quiet or github", DefaultText: "auto"},
			&cli.StringFlag{Name: "junit", Usage: "write a JUnit report to `FILE`"},
			&cli.StringFlag{Name: "report", Usage: "write the result as JSON to `FILE`"},
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
	tasks, err := s.taskOptions()
	if err != nil {
		return err
	}
	tasks.Node = node(o.engine)
	tasks.reports = []string{o.junit, o.report}
	if _, given := s.one("parallel"); !given && (tasks.Lifecycle != resolve.Lifecycle{}) {
		o.parallel = math.MaxInt // Keptn starts all tasks of a stage together
	}
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
	if refs := unmaskable(p); len(refs) > 0 { // even if quiet, which somebody else's .ktask.yaml may set
		_, _ = fmt.Fprintf(app.Err, "ktask: warning: %s\n", tooShort(refs))
	}
	if names := withSecrets(p); len(names) > 0 && o.engine.Keep != "never" {
		_, _ = fmt.Fprintf(app.Err, "ktask: warning: --keep %s: kept containers show the secrets of task %s in clear text, in `docker logs` and `docker inspect`: remove them with `ktask clean`\n",
			o.engine.Keep, strings.Join(names, ", "))
	}
	return app.execute(c.Context, s, o, p)
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
		parallel: runtime.NumCPU(), failFast: s.yes("fail-fast"),
		output: output, junit: s.text("junit", ""), report: s.text("report", ""), timestamps: s.yes("timestamps"),
	}
	for _, flag := range []string{"junit", "report"} {
		if v, ok := s.one(flag); ok && v.text == "-" {
			return o, v.wrong("the name of a file (-o json prints the result)")
		}
	}
	if v, ok := s.one("parallel"); ok {
		n, err := strconv.Atoi(v.text)
		if err != nil || n < 1 {
			return o, v.wrong("a number from 1 up")
		}
		o.parallel = n
	}
	if o.engine, err = s.engineOptions(app); err != nil {
		return o, err
	}
	o.engine.Keep, err = s.choice("keep", "never", "never", "failed", "always")
	return o, err
}

// unmaskable returns the names of the secrets that may appear in the output.
func unmaskable(p plan.Plan) []string {
	var refs []string
	for _, t := range p.Tasks {
		for _, ref := range mask.Unmaskable(t.Container.Secrets()) {
			if !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// tooShort returns the warning about unmaskable secrets.
func tooShort(refs []string) string {
	if len(refs) == 1 {
		return fmt.Sprintf("secret %s is too short to hide: it will appear in the output", refs[0])
	}
	return fmt.Sprintf("secrets %s are too short to hide: they will appear in the output", strings.Join(refs, ", "))
}

// withSecrets returns the names of the tasks that get secrets.
func withSecrets(p plan.Plan) []string {
	var names []string
	for _, t := range p.Tasks {
		if len(t.Container.Secrets()) > 0 {
			names = append(names, t.Name)
		}
	}
	return names
}
