package command

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/spec"
)

// project is a .ktask.yaml: settings that are read from it set flags. Its keys are the flags' long names and "paths"; a repeatable
// flag has a list, one of K=V a map. It is read once, so the data that is trusted is the data that is used.
type project struct {
	found
	within   boundary
	data     []byte
	settings []spec.Setting
}

// file returns the absolute path of the file. The directory's links are resolved; the file's own are not: a link to a file that is
// trusted elsewhere is not trusted here.
func (p project) file() string { return filepath.Join(string(p.within), p.base) }

// readProject reads a file of settings. The problems are those of its syntax and its keys.
func readProject(root *cli.App, f found) (project, spec.Problems, error) {
	name := f.name()
	p := project{found: f}
	var err error
	if p.within, err = newBoundary(f.dir); err != nil {
		return project{}, nil, fmt.Errorf("find the directory of %s: %w", name, local.WithoutPath(err))
	}
	if real, err := filepath.EvalSymlinks(name); err != nil {
		return project{}, nil, fmt.Errorf("%s: %w", name, local.WithoutPath(err))
	} else if !p.within.holds(real) {
		return project{}, nil, fmt.Errorf("%s: a link that leads out of its directory is not followed (replace it with the file)", name)
	}
	if p.data, err = local.ReadFile(name, maxSettings); err != nil {
		return project{}, nil, fmt.Errorf("%s: %w", name, err)
	}
	all, problems := spec.Settings(spec.File{Name: filepath.ToSlash(name), Data: p.data, Named: true})
	p.settings = all
	kinds := kindsOf(root)
	for _, setting := range all {
		if problem := judged(setting, kinds); problem != nil {
			problems = append(problems, *problem)
		}
	}
	return p, problems, nil
}

// projectSettings adds the settings of the project's file that count. It checks them before anything that they name is opened.
func (app App) projectSettings(c *cli.Context, s *settings) error {
	f, err := findProject()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return exitError{exitUsage, err}
	case f.foreign:
		_, _ = fmt.Fprintf(app.Err, "ktask: %s belongs to another user and is not used here\n", f.name())
		return nil
	}
	p, problems, err := readProject(c.App, f)
	if err != nil {
		return exitError{exitUsage, err}
	}
	s.file, s.project = map[string]spec.Setting{}, p
	trusted := trusts(app.ConfigDir, p)
	var limit spec.ProblemLimit
	for _, setting := range p.settings {
		written, untyped := s.untyped(setting)
		s.file[setting.Key] = untyped
		if !s.uses(c.Command, setting.Key) {
			continue
		}
		for _, r := range p.within.reaches(written) {
			if (r.through || !trusted) && limit.Add(spec.Error) {
				problems = append(problems, r.problem())
			}
		}
	}
	problems = append(problems, limit.Exceeded(spec.Pos{File: f.name()})...)
	problems.Sort(nil)
	app.printer(*s, nil).print(problems)
	if len(problems.Errors()) > 0 {
		return exitError{exitUsage, nil}
	}
	app.explain(*s, "settings: %s", p.file())
	return nil
}

// uses reports whether the command that runs acts on a key of the file.
func (s settings) uses(command *cli.Command, key string) bool {
	if key == "paths" {
		return strings.Contains(command.ArgsUsage, pathArguments) && len(s.args) == 0
	}
	i := slices.IndexFunc(command.Flags, func(f cli.Flag) bool { return f.Names()[0] == key })
	switch _, typed := s.flags[key]; {
	case i < 0:
		return false
	case key == "host" || key == "docker-context":
		return !s.engineNamed()
	default:
		return !typed || kindOf(command.Flags[i]) == severalValues
	}
}

// untyped returns the setting without values that are also on the command line: the user has given those. It returns it as it is
// written, and with paths that are relative to the current directory.
func (s settings) untyped(setting spec.Setting) (written, left spec.Setting) {
	here := rebased(setting, s.project.dir)
	written, left = setting, here
	written.Values, written.Places, left.Values, left.Places = nil, nil, nil, nil
	for i, text := range here.Values {
		if !s.types(setting.Key, text) {
			written.Values, left.Values = append(written.Values, setting.Values[i]), append(left.Values, text)
			written.Places, left.Places = append(written.Places, setting.Places[i]), append(left.Places, setting.Places[i])
		}
	}
	return written, left
}

// types reports whether the command line has the same value, or a value for the same secret, which replaces the file's.
func (s settings) types(key, text string) bool {
	return slices.ContainsFunc(s.flags[key], func(typed string) bool {
		return typed == text || key == "secret" && secretName(typed) == secretName(text)
	})
}

// kind is how many values a flag takes.
type kind int

const (
	oneValue kind = iota
	noValue
	severalValues
)

func kindOf(f cli.Flag) kind {
	switch f.(type) {
	case *cli.BoolFlag, namedBool:
		return noValue
	case *cli.StringSliceFlag, namedSlice:
		return severalValues
	}
	return oneValue
}

// kindsOf returns the keys of the file: "paths" and the long names of the flags of all commands, since one file serves all
// of them, but not of trust, which is up to the user.
func kindsOf(root *cli.App) map[string]kind {
	kinds := map[string]kind{"paths": severalValues}
	for _, command := range root.Commands {
		if command.Name == trustName {
			continue
		}
		for _, f := range command.Flags {
			if name := f.Names()[0]; !slices.Contains([]string{"watch", "run", "update"}, name) { // these count on the command line alone
				kinds[name] = kindOf(f)
			}
		}
	}
	return kinds
}

// judged returns what is wrong with a key of the file, or nil.
func judged(setting spec.Setting, kinds map[string]kind) *spec.Problem {
	problem := func(rule, message, remedy string) *spec.Problem {
		return &spec.Problem{Pos: setting.Pos, Severity: spec.Error, Rule: rule, Message: message, Remedy: remedy, Sensitive: true}
	}
	kind, known := kinds[setting.Key]
	switch values := setting.Values; {
	case !known:
		names := slices.Sorted(maps.Keys(kinds))
		return problem("unknown-field", fmt.Sprintf("unknown key %q", setting.Key), spec.DidYouMean(setting.Key, names))
	case kind == noValue && len(values) > 0 && !slices.Equal(values, []string{"true"}) && !slices.Equal(values, []string{"false"}):
		return problem("wrong-type", setting.Key+" is true or false", "write true or false without quotes")
	case kind == oneValue && len(values) > 1:
		return problem("wrong-type", setting.Key+" takes one value", "keep one of them")
	}
	return nil
}
