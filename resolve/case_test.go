package resolve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/archives"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// ruleCase is one archive: manifests, options and the expected results. Besides the manifests, in their order, its files are
//
//	options        one a line: "semantics cluster", "param K=V", "secret NAME/KEY=VALUE", …; see option
//	show           the parts of the plan to compare, one a line; without it the whole plan, as JSON; see part
//	want.problems  every problem, as a user sees it
//	want.plan      the plan; missing if there is an error
type ruleCase struct {
	manifests []spec.File
	load      spec.Options
	options   resolve.Options
	// validate means that the problems are those of `ktask validate`, without a plan.
	validate bool
	show     []string
}

func newCase(t *testing.T, archive *txtar.Archive) *ruleCase {
	t.Helper()
	c := &ruleCase{options: resolve.Options{
		Namespace: "default", KeptnNamespace: "keptn-system", Preview: true, Node: resolve.Node{Name: "laptop", IP: "127.0.0.1"},
	}}
	for _, f := range archive.Files {
		if f.Name != "options" && f.Name != "show" && !archives.IsWanted(f) {
			c.manifests = append(c.manifests, spec.File{Name: f.Name, Data: f.Data, Named: true})
		}
	}
	for _, f := range archive.Files {
		switch {
		case f.Name == "options":
			for line := range strings.Lines(string(f.Data)) {
				if err := c.option(strings.TrimSuffix(line, "\n")); err != nil {
					t.Fatalf("options: %q: %v", line, err)
				}
			}
		case f.Name == "show":
			c.show = strings.Fields(string(f.Data))
		}
	}
	return c
}

// option applies one line of options: a flag, or a change to a manifest that an archive cannot contain as it is.
func (c *ruleCase) option(line string) (err error) {
	name, value, _ := strings.Cut(line, " ")
	key, text, _ := strings.Cut(value, "=")
	from := plan.Flag(name)
	override := resolve.Override{Key: key, Value: text, Origin: from}
	o := &c.options
	switch name {
	case "namespace":
		o.Namespace = value
	case "keptn-namespace":
		o.KeptnNamespace = value
	case "validate":
		c.validate = true
	case "lenient":
		o.Lenient, c.load.Lenient = true, true
	case "on-cluster":
		o.OnCluster, c.load.OnCluster = true, true
	case "semantics":
		o.Semantics = plan.Semantics(value)
	case "task":
		o.Tasks = append(o.Tasks, value)
	case "selector":
		o.Selector = append(o.Selector, override)
	case "param":
		o.Params = append(o.Params, override)
	case "env":
		o.Env = append(o.Env, override)
	case "context":
		o.Context = append(o.Context, override)
	case "params-file":
		override.Origin.File, override.Origin.Line = "params.yaml", 1
		o.Params = append(o.Params, override)
	case "image":
		o.Images = append(o.Images, override)
	case "secret", "secret-file": // a secret of a file may have a namespace after an @
		secret, field, ok := strings.Cut(key, "/")
		if !ok {
			field = "SECURE_DATA"
		}
		secret, namespace, _ := strings.Cut(secret, "@")
		if name == "secret-file" {
			from.File, from.Line = "secrets.yaml", 1
		}
		o.Secrets = append(o.Secrets, resolve.NewSecretValue(namespace, secret, field, text, from))
	case "retries":
		o.Retries = &resolve.Setting[int]{Origin: from}
		o.Retries.Value, err = strconv.Atoi(value)
	case "timeout":
		o.Timeout = &resolve.Setting[time.Duration]{Origin: from}
		o.Timeout.Value, err = time.ParseDuration(value)
	case "grace":
		o.Grace = &resolve.Setting[time.Duration]{Origin: from}
		o.Grace.Value, err = time.ParseDuration(value)
	case "backoff-scale":
		o.BackoffScale, err = strconv.ParseFloat(value, 64)
	case "deno-image":
		o.DenoImage = &resolve.Setting[string]{Value: value, Origin: from}
	case "python-image":
		o.PythonImage = &resolve.Setting[string]{Value: value, Origin: from}
	case "run":
		o.Preview = false
	case "allow":
		o.Allow = append(o.Allow, value)
	case "network":
		o.Network = value
	case "promotion":
		o.Lifecycle.Promotion = true
	case "non-blocking":
		o.Lifecycle.NonBlocking = true
	case "stage":
		o.Lifecycle.Stage = value
	case "app":
		o.Lifecycle.App = value
	case "workload":
		o.Lifecycle.Workload = value
	case "crlf":
		err = c.change(value, func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")) })
	case "bom":
		err = c.change(value, func(data []byte) []byte { return append([]byte("\xef\xbb\xbf"), data...) })
	case "tab":
		err = c.change(value, func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("→"), []byte("\t")) })
	default:
		err = fmt.Errorf("there is no such option")
	}
	return err
}

func (c *ruleCase) change(file string, how func([]byte) []byte) error {
	i := slices.IndexFunc(c.manifests, func(f spec.File) bool { return f.Name == file })
	if i < 0 {
		return fmt.Errorf("there is no manifest of that name")
	}
	c.manifests[i].Data = how(c.manifests[i].Data)
	return nil
}

// resolve does what `ktask plan` does, and returns the problems and the plan as text.
func (c *ruleCase) resolve(t *testing.T) (problems, text string) {
	t.Helper()
	c.load.Namespace = c.options.Namespace
	manifests, all, err := spec.Load(c.manifests, c.load)
	var p plan.Plan
	switch {
	case c.validate:
		all = append(all, resolve.Check(manifests, c.options)...)
	case err == nil:
		var more spec.Problems
		p, more, err = resolve.Resolve(manifests, c.options)
		all = append(all.WithoutUnread(more), more...)
	}
	for _, problem := range all {
		problems += problem.String() + "\n"
	}
	if c.validate || err != nil {
		return problems, ""
	}
	if c.show == nil {
		return problems, indented(t, p)
	}
	return problems, c.parts(t, p)
}

func indented(t *testing.T, p plan.Plan) string {
	t.Helper()
	p.Warnings = nil // they are among the problems
	compact, err := p.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, compact, "", "  "); err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(text.String(), "\n") + "\n"
}

// parts returns the parts of each task that the archive lists under show.
func (c *ruleCase) parts(t *testing.T, p plan.Plan) string {
	t.Helper()
	var out strings.Builder
	if i := slices.Index(c.show, "stages"); i >= 0 {
		for _, s := range p.Stages {
			fmt.Fprintf(&out, "%s needs %v\n", s.ID, s.Needs)
		}
		fmt.Fprintf(&out, "non-blocking %t\n", p.NonBlocking)
		for _, gap := range p.NotChecked {
			fmt.Fprintf(&out, "not checked: %s\n", gap)
		}
		c.show = slices.Delete(slices.Clone(c.show), i, i+1)
	}
	for _, task := range p.Tasks {
		fmt.Fprintf(&out, "%s\n", task.Name)
		for _, name := range c.show {
			for _, line := range part(t, task, name) {
				fmt.Fprintf(&out, "  %s\n", line)
			}
		}
	}
	for _, s := range p.Skipped {
		fmt.Fprintf(&out, "left out: %s: %s\n", s.Name, s.Reason)
	}
	return out.String()
}

// part returns one part of a task: env, origins, secrets, files or retry, or else the value at a path of its JSON.
func part(t *testing.T, task plan.Task, name string) (lines []string) {
	t.Helper()
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	switch name {
	case "env":
		for _, e := range task.Container.Env {
			add("env %s=%s", e.Name, plainly(e.Value.String()))
		}
	case "origins":
		for _, e := range task.Container.Env {
			add("env %s from %s", e.Name, e.Origin)
		}
	case "secrets": // the values in clear; those of the archives are not real
		for _, e := range task.Container.Env {
			if len(e.Value.Secrets()) > 0 {
				add("secret %s=%q", e.Name, e.Value.Reveal())
			}
		}
	case "files":
		for _, f := range task.Container.Files {
			add("file %s %04o from %s", f.Path, f.Mode.Perm(), f.Origin)
			for line := range strings.Lines(string(f.Content)) {
				add("  %q", line)
			}
		}
	case "pull":
		for _, p := range task.Container.PullCredentials {
			add("pull with %v", p)
		}
	case "retry":
		add("retries %d from %s, waits %s to %s", task.Retry.Limit, task.Retry.Origin, task.Retry.Backoff.Initial, task.Retry.Backoff.Max)
		add("timeout %s from %s", task.Timeout, task.TimeoutOrigin)
	default:
		add("%s %s", name, field(t, task, name))
	}
	return lines
}

// plainly returns a value, in quotes if a line would not show it exactly.
func plainly(value string) string {
	if quoted := strconv.Quote(value); strings.ContainsAny(value, "\n\r\t\x00") || strings.TrimSpace(value) != value {
		return quoted
	}
	return value
}

// field returns the compact JSON at a dotted path of a task.
func field(t *testing.T, task plan.Task, path string) string {
	t.Helper()
	compact, err := plan.Plan{Tasks: []plan.Task{task}}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Tasks []json.RawMessage }
	if err := json.Unmarshal(compact, &doc); err != nil {
		t.Fatal(err)
	}
	value := doc.Tasks[0]
	for _, key := range strings.Split(path, ".") {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(value, &object); err != nil {
			t.Fatalf("show %s: %v", path, err)
		}
		value = object[key]
	}
	return string(value)
}
