package command

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// pathArguments is the usage text of the arguments of a command that reads manifests.
const pathArguments = "PATH..."

// paths returns the arguments, or the paths of the configuration file if there are none.
func (s settings) paths() ([]string, error) {
	if len(s.args) > 0 {
		return s.args, nil
	}
	if paths := s.file["paths"].Values; len(paths) > 0 {
		return paths, nil
	}
	return nil, usagef("name a manifest, a directory or - for standard input (ktask %s PATH...)", s.command)
}

// input returns the settings of a command and the manifests that it names.
func (app App) input(c *cli.Context) (settings, local.Files, error) {
	s, err := app.settings(c)
	if err != nil {
		return s, local.Files{}, err
	}
	files, err := app.read(s)
	return s, files, err
}

// read reads the manifests that the settings name.
func (app App) read(s settings) (local.Files, error) {
	paths, err := s.paths()
	if err != nil {
		return local.Files{}, err
	}
	reading := local.Reading{In: app.In, Tracked: s.yes("tracked")}
	if reading.Exclude, err = s.exclude(); err != nil {
		return local.Files{}, err
	}
	files, err := reading.Files(paths)
	if err != nil {
		return local.Files{}, s.meant(exitError{exitUsage, err})
	}
	if len(files.Left) > 0 {
		app.explain(s, "left out (ignored by git, --exclude, node_modules or vendor): %s", some(files.Left))
	}
	app.explain(s, "read %s from %s", counted(len(files.Files), "file"), inputs(paths))
	return files, nil
}

// The size limits of files other than manifests, in bytes.
const (
	maxSettings = 16 << 20 // .ktask.yaml, and the files of --params-file and --secret-file
	maxSecret   = 1 << 20  // the file of a secret
)

// verbosity is how much load prints if there are no errors: all problems, all but those of a cluster and a count of them, or nothing.
type verbosity int

const (
	showAll verbosity = iota
	showWarnings
	showErrors
)

// load reads and resolves the manifests of a command, and prints the problems. If there is an error among them, nothing may
// be run, and load returns an error with the exit code. The plan beside an error is empty, unless only secrets are missing and
// nothing will run.
func (app App) load(s settings, o taskInput, t verbosity) (plan.Plan, error) {
	files, err := app.read(s)
	if err != nil {
		return plan.Plan{}, err
	}
	if err := o.spares(files.Files); err != nil {
		return plan.Plan{}, err
	}
	loaded, err := local.Load(files, o.given, o.Options)
	p, problems := loaded.Plan, s.adapted(loaded.Problems)
	for i, w := range p.Warnings {
		p.Warnings[i].Message = s.typable(w.Message, w.Origin.File)
	}
	problems, untrackedErr := app.withUntracked(s, files, o.Options, problems)
	if untrackedErr != nil {
		return plan.Plan{}, untrackedErr
	}
	if err == nil {
		err = problems.Err()
		problems = append(problems, s.bareApps(loaded.Manifests, o.Options, p)...)
	}
	if err := app.printLoaded(s, append(files.Files, o.given.Files...), t.of(problems), o.annotate); err != nil {
		return plan.Plan{}, err
	}
	if n := len(problems) - len(problems.WithoutCluster()); n > 0 && t == showWarnings && err == nil {
		_, _ = fmt.Fprintf(app.Err, "fields that have no effect here: %d (ktask plan lists them)\n", n)
	}
	switch {
	case err != nil:
		return p, exitError{exitUsage, nil}
	case len(p.Tasks) == 0 && len(p.Stages) > 0 && len(o.Selector) == 0: // as in Keptn, an empty stage passes
		if t != showErrors {
			_, _ = fmt.Fprintf(app.screen, "nothing to run: no tasks at %s (a stage without tasks passes)\n", stages(p))
		}
	case len(p.Tasks) == 0:
		return p, exitError{exitUsage, fmt.Errorf("nothing to run: %s", nothing(loaded.Manifests, p, s))}
	}
	return p, nil
}

// printLoaded prints problems, as annotations of GitHub if annotate is set.
func (app App) printLoaded(s settings, files []spec.File, problems spec.Problems, annotate bool) error {
	if annotate {
		return writeProblemsGitHub(app.Out, problems)
	}
	app.printer(s, files).print(problems)
	return nil
}

// stages returns the names of the stages of a plan.
func stages(p plan.Plan) string {
	var all []string
	for i, s := range p.Stages {
		if i == 5 && len(p.Stages) > 6 {
			all = append(all, fmt.Sprintf("%d other stages", len(p.Stages)-i))
			break
		}
		all = append(all, s.String())
	}
	return plan.OneLine(strings.Join(all, ", "))
}

func (t verbosity) of(problems spec.Problems) spec.Problems {
	switch {
	case t == showAll:
		return problems
	case t == showWarnings || len(problems.Errors()) > 0:
		return problems.WithoutCluster()
	}
	return nil
}

// nothing returns why a plan is empty.
func nothing(m spec.Manifests, p plan.Plan, s settings) string {
	if len(p.Skipped) > 0 {
		return leftOut(p.Skipped)
	}
	paths, _ := s.paths()
	fact := "there is no KeptnTask and no KeptnTaskDefinition in " + inputs(paths)
	apps, _ := resolve.Apps(m, resolve.Options{Namespace: local.DefaultNamespace, KeptnNamespace: local.DefaultKeptnNamespace})
	if len(apps) > 0 {
		return fmt.Sprintf("%s (%s: give --app %s or --stage pre)", fact, counted(len(apps), "app"), apps[0].Name)
	}
	others := m.Foreign + len(m.Workloads) + len(m.Configs) + len(m.ConfigMaps) + len(m.Secrets)
	return fmt.Sprintf("%s (%s)", fact, counted(others, "other object"))
}

// leftOut returns a line about what a run does not execute.
func leftOut(skipped []plan.Skipped) string {
	var all []string
	for i, s := range skipped {
		if i == 5 && len(skipped) > 6 {
			all = append(all, fmt.Sprintf("and %d more", len(skipped)-i))
			break
		}
		all = append(all, fmt.Sprintf("%s (%s)", s.Name, s.Reason))
	}
	return "left out: " + strings.Join(all, ", ")
}

func (app App) printer(s settings, files []spec.File) problemPrinter {
	return problemPrinter{w: app.screen, terminal: app.ErrTerminal, color: app.colorErr(s), files: files}
}
