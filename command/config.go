package command

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/runtimes"
)

func (app App) configCommand() *cli.Command {
	flags := slices.DeleteFunc(app.runCommand().Flags, func(f cli.Flag) bool { return f.Names()[0] == "output" })
	return &cli.Command{
		Name:  "config",
		Usage: "show each setting of a run, its value and where it comes from",
		Description: "Takes the flags of `ktask run`. A value comes from a flag, a variable, a line of .ktask.yaml or the default. Values of secrets are " +
			"not shown.",
		Flags:  append(flags, formFlag("text", "json")),
		Action: app.config,
	}
}

// shownConfig is the document of config.
type shownConfig struct {
	Schema string `json:"schema"`
	// File is the absolute path of the .ktask.yaml, or "".
	File     string         `json:"file"`
	Trusted  bool           `json:"trusted"`
	Settings []shownSetting `json:"settings"`
}

// shownSetting is a value of a setting. A repeatable one has one for each value.
type shownSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Source is flag, env, file or default, and From says which one: "--param", ".ktask.yaml:3".
	Source string `json:"source"`
	From   string `json:"from"`
}

func (app App) config(c *cli.Context) error {
	s, failure := app.settings(c) // what is wrong in the file is printed, and the rest is shown
	if len(s.args) > 0 {
		return usagef("config takes no arguments, not %q", s.args[0])
	}
	output, err := s.choice("output", "text", "text", "json")
	if err != nil {
		return err
	}
	doc := shownConfig{Schema: "ktask.dev/config/v1", Settings: s.shown(app.runCommand().Flags)}
	if s.project.data != nil {
		doc.File, doc.Trusted = s.project.file(), trusts(app.ConfigDir, s.project)
	}
	if output == "json" {
		err = writeJSON(app.Out, doc)
	} else {
		err = doc.print(printable{app.Out})
	}
	return cmp.Or(failure, err)
}

// shown returns the settings, sorted by name.
func (s settings) shown(flags []cli.Flag) []shownSetting {
	all := s.shownValues("paths", nil)
	for _, f := range flags {
		all = append(all, s.shownValues(f.Names()[0], f)...)
	}
	var secrets []plan.Secret // that are in the settings themselves
	for _, v := range s.all("secret") {
		if ref, word, _ := strings.Cut(v.text, "="); concealed("secret", v.text) == ref+"=•••" {
			secrets = append(secrets, plan.NewSecret(ref, word))
		}
	}
	hidden := mask.NewPlain(secrets)
	for i := range all {
		all[i].Value = hidden.String(all[i].Value)
	}
	slices.SortStableFunc(all, func(a, b shownSetting) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// shownValues returns the values of a setting, or its default. The flag of paths is nil.
func (s settings) shownValues(name string, f cli.Flag) []shownSetting {
	values := s.all(name)
	if f != nil && kindOf(f) != severalValues || name == "output" {
		values = nil
		if name == "output" { // on the command line it is that of config
			s.flags = nil
		}
		if v, ok := s.effective(name); ok {
			values = []value{v}
		}
	}
	var all []shownSetting
	for _, v := range values {
		source := map[plan.Source]string{plan.SourceFlag: "flag", plan.SourceVariable: "env", plan.SourceSetting: "file"}[v.origin.Source]
		from := v.origin.Name
		if source == "file" {
			from = v.origin.Position()
		}
		all = append(all, shownSetting{name, concealed(name, v.text), source, from})
	}
	if all == nil {
		all = []shownSetting{{name, standard(f), "default", "default"}}
	}
	return all
}

// standard returns the default of a flag as text.
func standard(f cli.Flag) string {
	documented, ok := f.(cli.DocGenerationFlag)
	switch {
	case !ok:
		return ""
	case kindOf(f) == noValue:
		return "false"
	}
	for name, runtime := range map[string]plan.Runtime{"deno-image": plan.RuntimeDeno, "python-image": plan.RuntimePython} {
		if r, ok := runtimes.ByName(runtime); ok && f.Names()[0] == name {
			return r.Image
		}
	}
	return documented.GetDefaultText()
}

// effective returns the value of a flag like one, also from the variables that select an engine.
func (s settings) effective(name string) (value, bool) {
	env, names := map[string]string{"host": "DOCKER_HOST", "docker-context": "DOCKER_CONTEXT"}[name], s.engineNamed()
	if env == "" || !names {
		return s.one(name)
	}
	if _, typed := s.flags[name]; typed {
		return s.one(name)
	}
	_, host := s.flags["host"]
	_, context := s.flags["docker-context"]
	if text := os.Getenv(env); text != "" && !host && !context {
		return value{text: text, origin: plan.Origin{Source: plan.SourceVariable, Name: env}}, true
	}
	return value{}, false // another one names the engine
}

// concealed returns a value without the secret in it.
func concealed(name, text string) string {
	switch name {
	case "secret":
		ref, word, _ := strings.Cut(text, "=")
		if variable, ok := strings.CutPrefix(word, "env:"); ok {
			if _, set := os.LookupEnv(variable); set {
				return ref + "=env:" + variable
			}
		}
		if file, ok := strings.CutPrefix(word, "@"); ok && exists(file) {
			return ref + "=@" + file
		}
		return ref + "=•••"
	case "host":
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			return u.Redacted()
		}
		if i := strings.LastIndex(text, "@"); i >= 0 {
			return "•••" + text[i:]
		}
	}
	return text
}

func (d shownConfig) print(out io.Writer) error {
	file := "no .ktask.yaml"
	if d.File != "" {
		file = d.File
	}
	if d.Trusted {
		file += " (trusted)"
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%s\n\nSETTING\tVALUE\tFROM\n", plan.OneLine(file))
	for _, s := range d.Settings {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, plan.OneLine(cmp.Or(s.Value, "-")), plan.OneLine(s.From))
	}
	return w.Flush()
}
