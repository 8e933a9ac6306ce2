package command

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/runtimes"
	"github.com/ktask/ktask/spec"
)

// settings are the user's settings. A flag takes precedence over the environment, and that over the file.
type settings struct {
	command string
	args    []string
	// flags are the values of the flags on the command line by their long names.
	flags map[string][]string
	file  map[string]spec.Setting
	// project is the file, or empty if there is none.
	project project
	// known are the long names of the command's flags.
	known []string
}

// value is a value that the user has given, and its origin.
type value struct {
	text   string
	origin plan.Origin
	// said is how an error names the value: "--retries", ".ktask.yaml:3:1: retries".
	said string
	// typed is true if the value is on the command line.
	typed bool
}

// wrong returns the error of a value that is not allowed.
func (v value) wrong(takes string) error {
	return v.error("%s takes %s, not %q", v.said, takes, v.text)
}

// failed returns the error of a value without showing it.
func (v value) failed(err error) error { return v.error("%s: %w", v.said, err) }

func (v value) error(format string, args ...any) error {
	if v.typed {
		return usagef(format, args...)
	}
	return exitError{exitUsage, fmt.Errorf(format, args...)}
}

func (app App) settings(c *cli.Context) (settings, error) {
	return app.settingsWith(c, c.Args().Slice())
}

// settingsWith returns the settings of a command that has these arguments.
func (app App) settingsWith(c *cli.Context, args []string) (settings, error) {
	s := settings{command: nameOf(c.Command), args: args, flags: map[string][]string{}}
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		s.known = append(s.known, name)
		switch {
		case !c.IsSet(name):
		case kindOf(f) == severalValues:
			s.flags[name] = c.StringSlice(name)
		case kindOf(f) == noValue:
			s.flags[name] = []string{strconv.FormatBool(c.Bool(name))}
		default:
			s.flags[name] = []string{c.String(name)}
		}
	}
	err := app.projectSettings(c, &s)
	return s, err
}

// variable returns the environment variable of a flag, or "".
func variable(flag string) string {
	deno, _ := runtimes.ByName(plan.RuntimeDeno)
	python, _ := runtimes.ByName(plan.RuntimePython)
	return map[string]string{"deno-image": deno.ImageVariable, "python-image": python.ImageVariable, "no-color": "NO_COLOR"}[flag]
}

// one returns the value of a flag; ok is false if it has none.
func (s settings) one(name string) (v value, ok bool) {
	if values := s.flags[name]; len(values) > 0 {
		return flagValue(name, values[len(values)-1]), true
	}
	if env := variable(name); env != "" && os.Getenv(env) != "" {
		text := os.Getenv(env)
		if name == "no-color" {
			text = "true" // with any value, see https://no-color.org
		}
		return value{text: text, origin: plan.Origin{Source: plan.SourceVariable, Name: env}, said: env}, true
	}
	if setting := s.file[name]; len(setting.Values) > 0 {
		return fileValue(setting, setting.Values[len(setting.Values)-1]), true
	}
	return value{}, false
}

func flagValue(name, text string) value {
	return value{text: text, origin: plan.Flag(name), said: "--" + name, typed: true}
}

func fileValue(setting spec.Setting, text string) value {
	return value{
		text: text, origin: plan.Origin{Source: plan.SourceSetting, File: setting.Pos.File, Line: setting.Pos.Line, Field: setting.Key},
		said: fmt.Sprintf("%s: %s", setting.Pos, setting.Key),
	}
}

// choice returns the value of a flag, which must be one of the allowed ones, or fallback if it has none.
func (s settings) choice(name, fallback string, allowed ...string) (string, error) {
	v, ok := s.one(name)
	switch {
	case !ok:
		return fallback, nil
	case slices.Contains(allowed, v.text):
		return v.text, nil
	case name == "output" && !v.typed && slices.Contains(outputs, v.text): // the file's value is for another command
		return fallback, nil
	}
	return fallback, v.wrong(oneOf(allowed))
}

// oneOf returns the allowed values as text: "a, b or c".
func oneOf(allowed []string) string {
	text := strings.Join(allowed, ", ")
	if i := strings.LastIndex(text, ", "); i >= 0 {
		text = text[:i] + " or " + text[i+2:]
	}
	return text
}

// outputs are the values of --output that some command has.
var outputs = []string{"auto", "live", "plain", "json", "quiet", "github", "text", "yaml", "sarif", "docker", "compose", "job"}

// text returns the value of a flag, or fallback.
func (s settings) text(name, fallback string) string {
	if v, ok := s.one(name); ok {
		return v.text
	}
	return fallback
}

// namespaces returns the namespace of manifests that name none, and Keptn's.
func (s settings) namespaces() (manifests, keptn string, err error) {
	if manifests, err = s.namespace("namespace", local.DefaultNamespace); err != nil {
		return "", "", err
	}
	keptn, err = s.namespace("keptn-namespace", local.DefaultKeptnNamespace)
	return manifests, keptn, err
}

// namespace returns the value of a flag that names a namespace.
func (s settings) namespace(flag, fallback string) (string, error) {
	v, ok := s.one(flag)
	if !ok {
		return fallback, nil
	}
	if validation.IsDNS1123Label(v.text) != nil {
		return "", v.wrong("the name of a namespace (lower-case letters, digits and -, at most 63)")
	}
	return v.text, nil
}

// all returns the values of a repeatable flag: the file's, then the command line's, which take precedence if later values
// do.
func (s settings) all(name string) []value {
	var all []value
	for _, text := range s.file[name].Values {
		all = append(all, fileValue(s.file[name], text))
	}
	for _, text := range s.flags[name] {
		all = append(all, flagValue(name, text))
	}
	return all
}

// has reports whether the command has a flag.
func (s settings) has(name string) bool { return slices.Contains(s.known, name) }

func (s settings) yes(name string) bool {
	v, ok := s.one(name)
	return ok && v.text == "true"
}
