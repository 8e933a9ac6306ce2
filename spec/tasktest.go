package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// TaskTest has cases of a task, which `ktask test` runs.
type TaskTest struct {
	Meta
	// Task is the name of a KeptnTask or a KeptnTaskDefinition in the namespace of the test.
	Task  Optional[string]
	Cases []TestCase
}

// TestCase is what a task gets in one run, and what is expected of that.
type TestCase struct {
	Name string
	Pos  Pos
	// Context are fields of KEPTN_CONTEXT: "appName", …, "metadata.KEY".
	Params, Env, Context []Pair
	// Files have the path of a file in the container as their key, and its content.
	Files   []Pair
	Retries Optional[int32]
	Timeout Optional[time.Duration]
	// Secrets has the values by NAME/KEY. The key that a test leaves out is SECURE_DATA.
	Secrets SecretData
	Expect  Expect
}

// Expect is what a case expects. What is not given is not compared, except that the task must pass if nothing else is expected.
type Expect struct {
	Status, Reason     Optional[string]
	ExitCode, Attempts Optional[int32]
	Output             []Match
	Under              Optional[time.Duration]
	// Given is false if the case has no field expect. OutputPos is the place of the field output, or of where it belongs.
	Given     bool
	OutputPos Pos
}

// Match is a condition on the lines of the output. One of Line, Regex, JSON and Not is set; Line may be "".
type Match struct {
	// Line is a whole line that must be there, and Regex matches a part of one.
	Line  string
	Regex *regexp.Regexp
	// JSON is JSON of which a line, or all of stdout, must have all fields.
	JSON []byte
	// Not must not be fulfilled.
	Not *Match
	Pos Pos
}

func readTaskTest(o *object) *TaskTest {
	var raw api.TaskTest
	o.decode(&raw)
	o.readMeta(raw.Header)
	s := o.top().in("spec")
	t := &TaskTest{Meta: o.meta, Task: required(s, raw.Spec.Task, "task")}
	if t.Task.Given && t.Task.Value == "" {
		s.fail(s.At("task"), "required", "name a KeptnTaskDefinition or a KeptnTask", "spec.task is empty")
	}
	s.in("task").reference(t.Task.Value)
	if len(raw.Spec.Cases) == 0 && !s.bad("cases") {
		s.fail(s.At("cases"), "required", "add - name: the first case", "spec.cases has no case")
	}
	names := seen{}
	for p, c := range items(s.in("cases"), raw.Spec.Cases) {
		if !p.missing(c.Name, "name") {
			names.once(p, "name", c.Name, fmt.Sprintf("case %q", c.Name))
		}
		if strings.ContainsAny(c.Name, "\r\n") {
			p.fail(p.At("name"), "invalid-name", "", "%s has more than one line", p.At("name").Field)
		}
		t.Cases = append(t.Cases, readCase(p, c))
	}
	return t
}

func readCase(p part, raw api.TestCase) TestCase {
	c := TestCase{
		Name: raw.Name, Pos: p.At("name"), Params: pairs(raw.Params, p.sub("params")), Env: pairs(raw.Env, p.sub("env")),
		Files: pairs(raw.Files, p.sub("files")), Retries: given(raw.Retries, p.sub("retries")), Timeout: p.duration(raw.Timeout, "timeout"),
	}
	for _, e := range c.Env {
		p.refused(validation.IsEnvVarName(e.Key), p.in("env").keyAt(e.Key), "invalid-name", "%q is not the name of a variable", e.Key)
	}
	for _, f := range c.Files {
		p.in("files").containerFile(f.Key)
	}
	if c.Retries.Value < 0 {
		p.fail(p.At("retries"), "out-of-range", "write retries: 0", "%s must be 0 or more", p.At("retries").Field)
	}
	if c.Timeout.Given && c.Timeout.Value == 0 {
		p.fail(p.At("timeout"), "out-of-range", timeoutExample, "%s leaves no time to run", p.At("timeout").Field)
	}
	secrets := map[string][]byte{}
	for _, s := range pairs(raw.Secrets, p.sub("secrets")) {
		name, key, keyed := strings.Cut(s.Key, "/")
		at := p.in("secrets").keyAt(s.Key)
		if !p.refused(validation.IsDNS1123Subdomain(name), at, "invalid-name", "%q is not the name of a Secret", name) && keyed {
			p.refused(validation.IsConfigMapKey(key), at, "invalid-name", "%q is not the key of a Secret", key)
		}
		if !keyed {
			key = "SECURE_DATA"
		}
		if _, twice := secrets[name+"/"+key]; twice {
			p.fail(at, "duplicate-item", "keep one of them", "secret %s/%s is given twice", name, key)
		}
		secrets[name+"/"+key] = []byte(s.Value)
	}
	c.Secrets = NewSecretData(secrets)
	if raw.Context != nil {
		c.Context = contextPairs(p.in("context"), *raw.Context)
	}
	c.Expect = readExpect(p.in("expect"), raw.Expect)
	return c
}

// containerFile checks the key of p that is the path of a file in a container.
func (p part) containerFile(name string) {
	const example = "for example /etc/task/config.json"
	at := p.keyAt(name)
	if !strings.HasPrefix(name, "/") || path.Clean(name) != name || name == "/" {
		p.fail(at, "invalid-path", example, "%q must be the absolute path of a file, without . and ..", name)
		return
	}
	for _, dir := range []string{"/dev", "/proc", "/sys"} {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			p.fail(at, "invalid-path", example, "no file can be put in %s of a container", dir)
		}
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		p.fail(at, "invalid-path", "use a path without them", "%q contains a control character", name)
	}
}

// contextPairs returns the fields of a context that are given.
func contextPairs(p part, c api.Context) []Pair {
	var all []Pair
	for _, field := range []struct{ name, value string }{
		{"workloadName", c.WorkloadName}, {"appName", c.AppName}, {"appVersion", c.AppVersion},
		{"workloadVersion", c.WorkloadVersion}, {"taskType", c.TaskType}, {"objectType", c.ObjectType},
	} {
		if p.Given(field.name) {
			all = append(all, Pair{field.name, field.value, p.At(field.name)})
		}
	}
	for _, m := range pairs(c.Metadata, p.sub("metadata")) {
		all = append(all, Pair{"metadata." + m.Key, m.Value, m.Pos})
	}
	return all
}

func readExpect(p part, raw *api.Expect) Expect {
	if raw == nil {
		return Expect{OutputPos: p.At("output")}
	}
	e := Expect{
		Given: true, OutputPos: p.At("output"),
		Status: given(raw.Status, p.sub("status")), Reason: given(raw.Reason, p.sub("reason")),
		ExitCode: given(raw.ExitCode, p.sub("exitCode")), Attempts: given(raw.Attempts, p.sub("attempts")), Under: p.duration(raw.Under, "under"),
	}
	if e.Status.Given {
		p.oneOf(e.Status.Value, api.TestStatuses(), "status")
	}
	if e.Status.Given && e.Status.Value == "" {
		p.fail(p.At("status"), "invalid-value", "it is one of "+strings.Join(api.TestStatuses(), ", "), "%s is empty", p.At("status").Field)
	}
	if e.Attempts.Given && e.Attempts.Value < 1 {
		p.fail(p.At("attempts"), "out-of-range", "write attempts: 1", "%s must be 1 or more", p.At("attempts").Field)
	}
	for item := range items(p.in("output"), raw.Output) {
		if m, ok := readMatch(item, true); ok {
			e.Output = append(e.Output, m)
		}
	}
	return e
}

// readMatch reads a string or an object. Only if nests is set, it may have a field not.
func readMatch(p part, nests bool) (Match, bool) {
	m := Match{Pos: p.At()}
	switch n := p.root; n.Kind {
	case yamltree.String:
		m.Line = strings.TrimRight(n.Text, "\r\n")
		if strings.Contains(m.Line, "\n") {
			p.fail(p.At(), "invalid-value", "make each line an item", "%s has more than one line", p.At().Field)
			return m, false
		}
		return m, true
	case yamltree.Object:
		p.checker().check(n, reflect.TypeFor[api.Match](), p.at)
	default:
		p.checker().wrongType(n, p.at, "a string or an object")
		return m, false
	}
	fields := slices.DeleteFunc([]string{"regex", "json", "not"}, func(field string) bool { return !p.Given(field) })
	if len(fields) != 1 {
		p.exactlyOne(len(fields), "regex, json and not")
		return m, false
	}
	value := p.in(fields[0])
	switch fields[0] {
	case "regex":
		expression, err := regexp.Compile(value.root.Text)
		if err != nil {
			p.fail(value.At(), "invalid-regex", "see https://pkg.go.dev/regexp/syntax", "%s: %s", value.At().Field, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		m.Regex = expression
		return m, err == nil
	case "json":
		var text bytes.Buffer
		value.root.AppendJSON(&text)
		m.JSON = text.Bytes()
		return m, json.Valid(m.JSON)
	}
	if !nests {
		p.fail(value.At(), "conflict", "leave out both", "%s negates a not", value.At().Field)
		return m, false
	}
	inner, ok := readMatch(value, false)
	m.Not = &inner
	return m, ok
}

// holdsTestSecrets reports whether an object is a TaskTest with a case that has secrets.
func holdsTestSecrets(root *yamltree.Node) bool {
	kind, cases := root.Field("kind"), root.Field("spec").Field("cases")
	return kind != nil && kind.Text == "TaskTest" && cases != nil &&
		slices.ContainsFunc(cases.Values, func(c *yamltree.Node) bool { return c.Field("secrets") != nil })
}

// meantTestSecrets reports whether a text seems to be a TaskTest with secrets, even if the rest is broken.
func meantTestSecrets(text []byte) bool {
	return bytes.Contains(text, []byte("TaskTest")) && bytes.Contains(text, []byte("secrets"))
}
