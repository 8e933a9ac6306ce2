package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/runtimes"
	"github.com/ktask/ktask/spec"
)

// configFile is read from the current directory: what flags may say, as a file. Its keys are the flags' long names
// and "paths"; a flag that may be repeated takes a list, one of K=V a map.
const configFile = ".ktask.yaml"

// settings are what the user says in the order in which it counts: flag, environment, file.
type settings struct {
	c    *cli.Context
	file map[string][]string
}

// value is a word of the user's and where it was said.
type value struct {
	text   string
	origin plan.Origin
}

func (app App) settings(c *cli.Context) (settings, error) {
	s := settings{c: c}
	f, err := os.Open(configFile)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, exitError{exitUsage, fmt.Errorf("read %s: %w", configFile, err)}
	}
	defer f.Close()
	data, err := readAll(f)
	if err != nil {
		return s, exitError{exitUsage, fmt.Errorf("read %s: %w", configFile, err)}
	}
	all, problems := spec.Settings(spec.File{Name: configFile, Data: data, Named: true})
	s.file = map[string][]string{}
	known := append([]string{"paths"}, flagNames(c.App)...)
	for _, setting := range all {
		if !slices.Contains(known, setting.Key) {
			problems = append(problems, spec.Problem{
				Pos: setting.Pos, Severity: spec.Error, Rule: "unknown-field",
				Message: fmt.Sprintf("unknown key %q", setting.Key), Remedy: spec.DidYouMean(setting.Key, known),
			})
		}
		s.file[setting.Key] = setting.Values
	}
	if len(problems) > 0 {
		problems.Sort(nil)
		app.printer(s, nil).print(problems)
	}
	if len(problems.Errors()) > 0 {
		return s, exitError{exitUsage, nil}
	}
	return s, nil
}

// flagNames are the long names of the flags of all commands: a key of another command than the one that runs is no error.
func flagNames(root *cli.App) []string {
	var names []string
	for _, command := range root.Commands {
		for _, f := range command.Flags {
			names = append(names, f.Names()[0])
		}
	}
	return names
}

// variable is the environment variable that a flag has, or "".
func variable(flag string) string {
	deno, _ := runtimes.ByName(plan.RuntimeDeno)
	python, _ := runtimes.ByName(plan.RuntimePython)
	return map[string]string{"deno-image": deno.ImageVariable, "python-image": python.ImageVariable}[flag]
}

// one gives the value of a flag, or ok false where nobody gave one.
func (s settings) one(name string) (v value, ok bool) {
	if s.c.IsSet(name) {
		return value{s.c.String(name), flagOrigin(name)}, true
	}
	if env := variable(name); env != "" && os.Getenv(env) != "" {
		return value{os.Getenv(env), plan.Origin("env " + env)}, true
	}
	if lines := s.file[name]; len(lines) > 0 {
		return value{lines[len(lines)-1], fileOrigin(name)}, true
	}
	return value{}, false
}

// text is one, or fallback.
func (s settings) text(name, fallback string) string {
	if v, ok := s.one(name); ok {
		return v.text
	}
	return fallback
}

// namespaces are the manifests' and Keptn's.
func (s settings) namespaces() (manifests, keptn string, err error) {
	if manifests, err = s.namespace("namespace", defaultNamespace); err != nil {
		return "", "", err
	}
	keptn, err = s.namespace("keptn-namespace", defaultKeptnNamespace)
	return manifests, keptn, err
}

// namespace is text, where that can be the name of a namespace.
func (s settings) namespace(flag, fallback string) (string, error) {
	name := s.text(flag, fallback)
	if problems := validation.IsDNS1123Label(name); problems != nil {
		return "", usagef("--%s takes the name of a namespace, not %q: %s", flag, name, problems[0])
	}
	return name, nil
}

// all gives the values of a flag that may be repeated: the file's, then the command line's, which win where
// later ones do.
func (s settings) all(name string) []value {
	var all []value
	for _, line := range s.file[name] {
		all = append(all, value{line, fileOrigin(name)})
	}
	for _, text := range s.c.StringSlice(name) {
		all = append(all, value{text, flagOrigin(name)})
	}
	return all
}

func (s settings) yes(name string) bool {
	if s.c.IsSet(name) {
		return s.c.Bool(name)
	}
	lines := s.file[name]
	return len(lines) > 0 && lines[len(lines)-1] == "true"
}

func flagOrigin(name string) plan.Origin { return plan.Origin("flag --" + name) }
func fileOrigin(name string) plan.Origin { return plan.Origin(configFile + " " + name) }

// pair splits K=V.
func (v value) pair(flag string) (key, text string, err error) {
	key, text, ok := strings.Cut(v.text, "=")
	if !ok || key == "" {
		return "", "", usagef("%s takes KEY=VALUE, not %q", flag, v.text)
	}
	return key, text, nil
}
