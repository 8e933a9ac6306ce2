package command

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// taskInput is what determines the tasks besides the manifests.
type taskInput struct {
	resolve.Options
	// given are the files that flags name, and the problems in them, which are reported together with those of the
	// manifests.
	given local.Files
	// reports are the files that the run writes.
	reports []string
	// settings is the project's file, or "".
	settings string
	// annotate prints problems as annotations of GitHub.
	annotate bool
}

// spares returns an error if a report would overwrite a file that is read.
func (o taskInput) spares(files []spec.File) error {
	for _, report := range o.reports {
		info, err := os.Stat(report)
		if err != nil {
			continue // the report does not exist yet
		}
		for _, f := range append(slices.Clone(files), append(o.given.Files, spec.File{Name: o.settings})...) {
			if read, err := os.Stat(f.Name); err == nil && os.SameFile(info, read) {
				return usagef("%s is read by this run: name another file for the report", f.Name)
			}
		}
	}
	return nil
}

// read returns the file that a flag names.
func read(g *local.Files, flag, name string) (spec.File, error) {
	data, err := local.ReadFile(name, maxSettings)
	if err != nil {
		return spec.File{}, usagef("--%s: %s: %w", flag, name, err)
	}
	file := spec.File{Name: name, Data: data, Named: true}
	g.Files = append(g.Files, file)
	return file, nil
}

// params reads --params-file, then --param, which takes precedence.
func (s settings) params(g *local.Files) ([]resolve.Override, error) {
	var all []resolve.Override
	for _, v := range s.all("params-file") {
		file, err := read(g, "params-file", v.text)
		if err != nil {
			return nil, err
		}
		pairs, problems := spec.Strings(file)
		g.NotRead = append(g.NotRead, problems...)
		for _, p := range pairs {
			all = append(all, resolve.Override{Key: p.Key, Value: p.Value, Origin: v.in(p.Pos.Line)})
		}
	}
	flags, err := s.overrides("param")
	return append(all, flags...), err
}

// in returns the origin of a line of the file that v names.
func (v value) in(line int) plan.Origin {
	from := plan.Origin{Source: v.origin.Source, Name: v.origin.Name, File: v.text, Line: line}
	if from.Source == plan.SourceSetting {
		from.Name = v.origin.Field
	}
	return from
}

// secrets reads --secret-file, then --secret, which takes precedence. No message shows what follows the equals sign.
func (s settings) secrets(g *local.Files) ([]resolve.SecretValue, error) {
	var all []resolve.SecretValue
	for _, v := range s.all("secret-file") {
		file, err := read(g, "secret-file", v.text)
		if err != nil {
			return nil, err
		}
		some, problems := s.secretFile(v, file)
		g.NotRead = append(g.NotRead, problems...)
		all = append(all, some...)
	}
	for i, v := range s.all("secret") {
		secret, err := secretValue(v.text, v.origin)
		if err != nil {
			v.said += fmt.Sprintf(", number %d", i+1)
			return nil, v.failed(err)
		}
		all = append(all, secret)
	}
	return all, nil
}

// secretName returns the NAME/KEY of NAME[/KEY]=VALUE.
func secretName(text string) string {
	ref, _, _ := strings.Cut(text, "=")
	name, key := local.SplitSecret(ref)
	return name + "/" + key
}

// secretValue parses NAME[/KEY]=VALUE.
func secretValue(text string, from plan.Origin) (resolve.SecretValue, error) {
	ref, word, ok := strings.Cut(text, "=")
	name, key := local.SplitSecret(ref)
	if !ok || name == "" || key == "" {
		return resolve.SecretValue{}, errors.New("expected NAME[/KEY]=VALUE; VALUE may be @FILE or env:VAR")
	}
	if validation.IsDNS1123Subdomain(name) != nil {
		return resolve.SecretValue{}, errors.New("the part before = is not the name of a Secret (lower-case letters, digits, - and .)")
	}
	if validation.IsConfigMapKey(key) != nil {
		return resolve.SecretValue{}, errors.New("the part between / and = is not the key of a Secret (letters, digits, -, _ and .)")
	}
	if file, ok := strings.CutPrefix(word, "@"); ok {
		data, err := local.ReadFile(file, maxSecret)
		if err != nil {
			return resolve.SecretValue{}, fmt.Errorf("secret %s/%s: the file after @: %w%s", name, key, err, literally)
		}
		word = string(data)
	} else if variable, ok := strings.CutPrefix(word, "env:"); ok {
		if word, ok = os.LookupEnv(variable); !ok {
			return resolve.SecretValue{}, fmt.Errorf("secret %s/%s: the variable after env: is not set%s", name, key, literally)
		}
	}
	if flaw := plan.FlawOf(word); flaw != (plan.Flaw{}) {
		return resolve.SecretValue{}, fmt.Errorf("secret %s/%s %s (encode it, for example in base64)", name, key, flaw.Message)
	}
	return resolve.NewSecretValue("", name, key, word, from), nil
}

// literally explains how to give a value that begins like a reference but is none. Such a value may be the secret itself, so
// it is not shown.
const literally = " (to give a value that begins with @ or env:, put it into a file for @FILE, or into a Secret manifest)"

// yamlBegin matches the beginning of a file of manifests. It matches no line of NAME=VALUE.
var yamlBegin = regexp.MustCompile(`^(?:\{|---|%YAML|[A-Za-z"']+:(?:\s|$))`)

// secretFile reads Secret manifests, or lines of NAME[/KEY]=VALUE.
func (s settings) secretFile(v value, file spec.File) ([]resolve.SecretValue, spec.Problems) {
	var (
		all      []resolve.SecretValue
		problems spec.Problems
		number   int
		limit    spec.ProblemLimit
	)
	for line := range bytes.Lines(bytes.TrimPrefix(file.Data, []byte("\ufeff"))) {
		number++
		text := strings.TrimRight(string(line), "\r\n")
		if trimmed := strings.TrimSpace(text); trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		if len(all)+len(problems) == 0 && yamlBegin.MatchString(text) {
			return v.secretManifests(file)
		}
		if !v.typed && s.types("secret", text) {
			continue
		}
		var secret resolve.SecretValue
		err, rule := s.foreignSecret(v, text), "untrusted"
		if err == nil {
			rule = "secret-line"
			secret, err = secretValue(s.lineOf(v, text), v.in(number))
		}
		switch {
		case err == nil:
			all = append(all, secret)
			if what := surrounded(text); what != "" && limit.Add(spec.Warning) {
				problems = append(problems, spec.Problem{
					Pos: spec.Pos{File: file.Name, Line: number, Column: 1}, Severity: spec.Warning, Rule: "literal-secret",
					Message: fmt.Sprintf("the value of secret %s %s", secretName(text), what), Remedy: "remove what does not belong to the secret",
					Sensitive: true,
				})
			}
		case limit.Add(spec.Error):
			problems = append(problems, spec.Problem{
				Pos: spec.Pos{File: file.Name, Line: number, Column: 1}, Severity: spec.Error, Rule: rule,
				Message: err.Error(), Sensitive: true,
			})
		}
	}
	return all, append(problems, limit.Exceeded(spec.Pos{File: file.Name})...)
}

// surrounded says what surrounds the value of a line NAME=VALUE, or returns "". Some tools strip it. ktask keeps it, like
// docker's --env-file and `kubectl create secret --from-env-file`, so that a task gets what it gets in the cluster.
func surrounded(line string) string {
	_, text, _ := strings.Cut(line, "=")
	switch {
	case len(text) > 1 && text[0] == '"' && strings.HasSuffix(text, `"`):
		return "is in double quotes, which are part of it"
	case len(text) > 1 && text[0] == '\'' && strings.HasSuffix(text, "'"):
		return "is in single quotes, which are part of it"
	case text != strings.TrimSpace(text):
		return "begins or ends with a blank, which is part of it"
	}
	return ""
}

// lineOf returns a line of a file of secrets. If .ktask.yaml names the file, the paths in it are relative to that one's directory.
func (s settings) lineOf(v value, text string) string {
	if v.typed {
		return text
	}
	return rebasedSecret(text, s.project.dir)
}

// foreignSecret returns an error for a line that reads from outside of the directory, in a file within the directory that
// .ktask.yaml names. Trust in a .ktask.yaml does not include such a file, whose lines can change at any time.
func (s settings) foreignSecret(v value, text string) error {
	file, err := filepath.Abs(v.text)
	if v.typed || err == nil && s.project.within.path(file) != inside || s.project.within.secret(text) == inside {
		return nil
	}
	return errors.New("the secret is read from outside of this directory, which a file that .ktask.yaml names may not do " +
		"(give it with --secret, or the file with --secret-file)")
}

func (v value) secretManifests(file spec.File) ([]resolve.SecretValue, spec.Problems) {
	const anywhere = "*" // for a Secret that names no namespace: it applies in all
	m, problems, _ := spec.Load([]spec.File{file}, spec.Options{Namespace: anywhere, Sensitive: true})
	problems = append(problems, m.Faults...)
	if len(m.Secrets) == 0 && problems.Err() == nil {
		problems = append(problems, spec.Problem{
			Pos: spec.Pos{File: file.Name}, Severity: spec.Error, Rule: "no-secret",
			Message: "the file holds no Secret", Remedy: "write Secret manifests, or lines of NAME[/KEY]=VALUE",
		})
	}
	var all []resolve.SecretValue
	for _, s := range m.Secrets {
		namespace := s.Namespace
		if namespace == anywhere {
			namespace = ""
		}
		for _, key := range s.Data.Keys() {
			text, _ := s.Data.Value(key)
			all = append(all, resolve.NewSecretValue(namespace, s.Name, key, string(text), v.in(s.Pos.Line)))
		}
	}
	return all, problems
}
