package command

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/runtimes"
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

func newSettings(c *cli.Context) (settings, error) {
	s := settings{c: c}
	data, err := os.ReadFile(configFile)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, exitError{exitUsage, fmt.Errorf("read %s: %w", configFile, err)}
	}
	if s.file, err = parseConfig(c, data); err != nil {
		return s, exitError{exitUsage, err}
	}
	return s, nil
}

// parseConfig reads the file; a key that no command has is an error, one of another command is not.
func parseConfig(c *cli.Context, data []byte) (map[string][]string, error) {
	var raw map[string]any
	if err := yaml.UnmarshalStrict(data, &raw); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	known := []string{"paths"}
	for _, command := range c.App.Commands {
		for _, f := range command.Flags {
			known = append(known, f.Names()[0])
		}
	}
	file := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		v := raw[key]
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("%s: unknown key %q%s", configFile, key, didYouMean(key, known))
		}
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				file[key] = append(file[key], fmt.Sprint(item))
			}
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				file[key] = append(file[key], fmt.Sprintf("%s=%v", k, v[k]))
			}
		case nil:
		default:
			file[key] = []string{fmt.Sprint(v)}
		}
	}
	return file, nil
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
