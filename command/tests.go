package command

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// testOptions are the flags of test.
type testOptions struct {
	local.Options
	junit  string
	update bool
	// only matches the names of the cases to run.
	only *regexp.Regexp
}

// testCase is a case of a TaskTest that runs.
type testCase struct {
	spec.TestCase
	test *spec.TaskTest
	// name is TEST/CASE, and that of the task in the plan.
	name string
	// hide masks the secrets of the case and of its task.
	hide func(string) string
}

func (app App) testCommand() *cli.Command {
	return &cli.Command{
		Name:      "test",
		Usage:     "run the cases of TaskTests: unit tests of tasks",
		ArgsUsage: "[" + pathArguments + "]",
		Description: "PATH has TaskTests and the tasks that they test; without PATH it is the current directory.\n\nExit codes: " +
			"0 all cases passed, 1 a case failed, 2 wrong usage or invalid files, 3 the engine or an image could not be used, " +
			"130 and 143 interrupted.",
		Flags: append(append(caseFlags(), engineFlags()...),
			&cli.StringFlag{Category: groupSelect, Name: "run", Usage: "run the cases whose TEST/CASE matches the regular expression `REGEX`", DefaultText: "all"},
			&cli.BoolFlag{Category: groupOutput, Name: "update", Usage: "write what was seen into the test files, as what is expected"},
			&cli.StringFlag{Category: groupEngine, Name: "parallel", Aliases: []string{"j"}, Usage: "run `N` cases at once", DefaultText: "the number of processors"},
			&cli.StringFlag{Category: groupEngine, Name: "warm", Usage: "leave `N` started containers for the next run of the same images; not with CI set", DefaultText: "0"},
			&cli.StringFlag{Category: groupOutput, Name: "junit", Usage: "write a JUnit report to `FILE`"}),
		Action: app.test,
	}
}

// caseFlags returns the flags of run that apply to all cases. The others are what a case says itself.
func caseFlags() []cli.Flag {
	said := []string{"task", "selector", "stage", "app", "workload", "promotion", "non-blocking", "param", "params-file", "env", "context"}
	return slices.DeleteFunc(taskFlags(), func(f cli.Flag) bool { return slices.Contains(said, f.Names()[0]) })
}

func (app App) test(c *cli.Context) error {
	s, err := app.settings(c)
	if err != nil {
		return err
	}
	for key := range s.file { // a case is the same whatever a .ktask.yaml says about runs
		if key != "paths" && !slices.ContainsFunc(c.Command.Flags, func(f cli.Flag) bool { return f.Names()[0] == key }) {
			delete(s.file, key)
		}
	}
	if len(s.args) == 0 && len(s.file["paths"].Values) == 0 {
		s.args = []string{"."}
	}
	o, err := s.testOptions(app)
	if err != nil {
		return err
	}
	cases, p, err := app.loadCases(s, o)
	if err != nil {
		return err
	}
	return app.runCases(c.Context, s, o, cases, p)
}

func (s settings) testOptions(app App) (testOptions, error) {
	o := testOptions{
		Options: local.Options{Version: app.Version, Runs: local.UserRuns(), Guardian: app.Executable},
		junit:   s.text("junit", ""), update: settings{flags: s.flags}.yes("update"),
	}
	var err error
	if o.only, err = regexp.Compile(settings{flags: s.flags}.text("run", "")); err != nil {
		return o, usagef("--run: %w", err)
	}
	if v, ok := s.one("junit"); ok && v.text == "-" {
		return o, v.wrong("the name of a file")
	}
	if v, ok := s.one("parallel"); ok {
		if o.Parallel, err = strconv.Atoi(v.text); err != nil || o.Parallel < 1 {
			return o, v.wrong("a number from 1 up")
		}
	}
	if o.EngineOptions, err = s.engineOptions(app); err != nil {
		return o, err
	}
	return o, s.warm(&o.Options)
}

// loadCases returns the cases of the tests that the settings name, and a plan with a task for each of them. It prints the problems.
func (app App) loadCases(s settings, o testOptions) ([]testCase, plan.Plan, error) {
	tasks, err := s.taskOptions()
	if err != nil {
		return nil, plan.Plan{}, err
	}
	tasks.Node, tasks.OnCluster = o.EngineOptions.Node()
	tasks.reports, tasks.settings = []string{o.junit}, s.project.name()
	files, err := app.read(s)
	if err != nil {
		return nil, plan.Plan{}, err
	}
	if err := tasks.spares(files.Files); err != nil {
		return nil, plan.Plan{}, err
	}
	m, problems, err := spec.Load(files.Files, spec.Options{Namespace: tasks.Namespace, Lenient: tasks.Lenient, OnCluster: tasks.OnCluster, Tests: true})
	problems = slices.Concat(problems, files.NotRead, tasks.given.NotRead)
	var cases []testCase
	var p plan.Plan
	if err == nil {
		var more spec.Problems
		cases, p, more = planCases(m, o, tasks.Options)
		problems = append(problems, more...)
	}
	app.printer(s, append(files.Files, tasks.given.Files...)).print(s.adapted(problems).WithoutCluster())
	paths, _ := s.paths()
	switch {
	case problems.Err() != nil:
		return nil, p, exitError{exitUsage, nil}
	case len(m.Tests) == 0:
		return nil, p, exitError{exitUsage, fmt.Errorf("there is no TaskTest in %s", inputs(paths))}
	case len(cases) == 0:
		return nil, p, usagef("--run %q matches none of the cases in %s", o.only, inputs(paths))
	}
	return cases, p, nil
}

// planCases resolves the chosen cases. A problem that several cases have is returned once.
func planCases(m spec.Manifests, o testOptions, tasks resolve.Options) ([]testCase, plan.Plan, spec.Problems) {
	var (
		cases    []testCase
		p        plan.Plan
		problems spec.Problems
	)
	known, names := map[spec.Problem]bool{}, map[string]int{}
	for _, t := range m.Tests {
		names[t.Name]++
	}
	for _, t := range m.Tests {
		name := t.Name
		if names[name] > 1 {
			name = t.Namespace + "/" + name
		}
		for _, c := range t.Cases {
			run := testCase{TestCase: c, test: t, name: name + "/" + c.Name}
			if !o.only.MatchString(run.name) {
				continue
			}
			task, found := resolve.Case(m, t, c, tasks)
			for _, problem := range found {
				if !known[problem] {
					known[problem] = true
					problems = append(problems, problem)
				}
			}
			secrets := task.Container.Secrets()
			for _, ref := range c.Secrets.Keys() {
				value, _ := c.Secrets.Value(ref)
				secrets = append(secrets, plan.NewSecret(ref, string(value)))
			}
			run.hide, task.Name = mask.New(secrets).String, run.name
			cases, p.Tasks = append(cases, run), append(p.Tasks, task)
		}
	}
	return cases, p, problems
}
