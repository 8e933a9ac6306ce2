package spec

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

const (
	configMapHead = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	containerHead = definitionHead + "  container:\n    name: a\n    image: b\n"
)

// hostile has inputs that take a naive reader much time or memory. The function text returns one of about n bytes; rule is a rule
// of the errors of a large one, or "" if it is a valid manifest.
var hostile = []struct {
	name string
	text func(n int) string
	rule string
}{
	{"binary garbage", garbage, "syntax"},
	{"invalid UTF-8 at the end", func(n int) string { return "# " + strings.Repeat("x", n) + "\n\xff" }, "syntax"},
	{"tabs", func(n int) string { return strings.Repeat("\t", n) + "a: b" }, "syntax"},
	{"a tab in the indentation", func(n int) string { return configMapHead + times(n, "# %d\n") + "data:\n\ta: b" }, "syntax"},
	{"a long line", func(n int) string { return strings.Replace(configMapHead, "a}", strings.Repeat("a", n)+"}", 1) }, "invalid-name"},
	{"a long key", func(n int) string { return configMapHead + strings.Repeat("k", n) + ": v" }, "syntax"},
	{"a long explicit key", func(n int) string { return configMapHead + "? " + strings.Repeat("k", n) + "\n: v" }, "unknown-field"},
	{"a long value", func(n int) string { return configMapHead + "data: {a: " + strings.Repeat("v", n) + "}" }, ""},
	{"a long value of another type", func(n int) string { return configMapHead + "immutable: " + strings.Repeat("9", n) }, "wrong-type"},
	{"templates in a text that is not finished", func(n int) string { return configMapHead + "data:\n  a: |\n" + times(n, "    {{ %d }}\n") + "\tb: c" }, "syntax"},
	{"newlines", func(n int) string { return strings.Repeat("\n", n) + configMapHead }, ""},
	{"comments", func(n int) string { return times(n, "# %d\n") + configMapHead }, ""},
	{"comments after values", func(n int) string { return configMapHead + "data:\n" + times(n, "  k%d: v # c\n") }, ""},
	{"dollars", func(n int) string { return containerHead + "    args: [\"" + strings.Repeat("$(", n/2) + "\"]" }, ""},
	{"keys", func(n int) string { return configMapHead + "data:\n" + times(n, "  k%d: v\n") }, ""},
	{"secret keys", func(n int) string {
		return strings.Replace(configMapHead, "ConfigMap", "Secret", 1) + "stringData:\n" + times(n, "  k%d: v\n")
	}, ""},
	{"the same key", func(n int) string { return configMapHead + "data:\n" + strings.Repeat("  k: v\n", n/7) }, ""},
	{"the same parameter", func(n int) string {
		return definitionHead + "  deno:\n    inline: {code: x}\n    parameters:\n      map:\n" + strings.Repeat("        k: v\n", n/13)
	}, "duplicate-key"},
	{"unknown keys", func(n int) string { return configMapHead + times(n, "k%d: v\n") }, "unknown-field"},
	{"labels that are none", func(n int) string {
		return strings.Replace(configMapHead, "a}", "a, labels: {"+times(n, "k%d_: b, ")+"}}", 1)
	}, "invalid-label"},
	{"items of the wrong type", func(n int) string { return containerHead + "    env: [" + strings.Repeat("a,", n/2) + "]" }, "wrong-type"},
	{"numbers", func(n int) string { return containerHead + "    args: [" + times(n, "%d.5,") + "]" }, "wrong-type"},
	{"arguments", func(n int) string { return containerHead + "    args: [" + strings.Repeat("a,", n/2) + "]" }, ""},
	{"variables", func(n int) string { return containerHead + "    env: [" + times(n, "{name: A%d},") + "]" }, ""},
	{"variables without a name", func(n int) string { return containerHead + "    env: [" + strings.Repeat("{},", n/3) + "]" }, "required"},
	{"variables of the same name", func(n int) string { return containerHead + "    env: [" + strings.Repeat("{name: A},", n/10) + "]" }, "duplicate-item"},
	{"variables whose names are none", func(n int) string { return containerHead + "    env: [" + strings.Repeat("{name: =},", n/10) + "]" }, "invalid-name"},
	{"variables from nowhere", func(n int) string {
		return containerHead + "    env: [" + times(n, "{name: A%d, valueFrom: {}},") + "]"
	}, "conflict"},
	{"sources from nowhere", func(n int) string { return containerHead + "    envFrom: [" + strings.Repeat("{},", n/3) + "]" }, "conflict"},
	{"mounts without a name", func(n int) string { return containerHead + "    volumeMounts: [" + strings.Repeat("{},", n/3) + "]" }, "required"},
	{"mounts of many volumes", func(n int) string {
		return containerHead + "    volumeMounts: [" + times(n, "{name: a%d, mountPath: /a},") + "]"
	}, "no-such-volume"},
	{"limits of nothing", func(n int) string {
		return containerHead + "    resources: {limits: {" + times(n, "a%d: 1,") + "}}"
	}, "invalid-name"},
	{"capabilities", func(n int) string {
		return containerHead + "    securityContext: {capabilities: {add: [" + strings.Repeat("a,", n/2) + "]}}"
	}, "invalid-value"},
	{"ports", func(n int) string { return containerHead + "    ports: [" + times(n, "{name: p%d},") + "]" }, "required"},
	{"headers of a probe", func(n int) string {
		return containerHead + "    livenessProbe: {httpGet: {port: 1, httpHeaders: [" + times(n, "{name: =%d},") + "]}}"
	}, "invalid-name"},
	{"pull secrets without a name", func(n int) string {
		return definitionHead + "  deno: {inline: {code: x}}\n  imagePullSecrets: [" + strings.Repeat("{},", n/3) + "]"
	}, ""},
	{"tasks without a name", func(n int) string {
		return "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnAppContext\nmetadata: {name: a}\nspec: {preDeploymentTasks: [" + strings.Repeat("'',", n/3) + "]}"
	}, ""},
	{"workloads without a name", func(n int) string {
		return "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnApp\nmetadata: {name: a}\nspec: {workloads: [" + strings.Repeat("{},", n/3) + "]}"
	}, "required"},
	{"documents", func(n int) string { return times(n, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%d}\n") }, ""},
	{"empty documents", func(n int) string { return strings.Repeat("---\n", n/4) + configMapHead }, ""},
	{"ends of documents", func(n int) string { return strings.Repeat("...\n", n/4) + configMapHead }, ""},
	{"documents without an object", func(n int) string { return strings.Repeat("---\na\n", n/6) }, "not-an-object"},
	{"directives", func(n int) string { return times(n, "%%TAG !a%d! x\n") + "---\n" + configMapHead }, "too-large"},
	{"a list of objects", func(n int) string {
		return "apiVersion: v1\nkind: List\nitems:\n" + times(n, "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a%d}}\n")
	}, ""},
	{"flow lists in each other", func(n int) string { return strings.Repeat("[", n) }, "syntax"},
	{"block lists in each other", func(n int) string { return strings.Repeat("- ", n/2) }, "syntax"},
	{"flow objects in each other", func(n int) string { return strings.Repeat("{a: ", n/4) }, "syntax"},
	{"lists in a status", func(n int) string {
		depth := min(n, 9000)
		return definitionHead + "  deno: {inline: {code: x}}\nstatus: " + strings.Repeat("[", depth) + strings.Repeat("]", depth)
	}, ""},
	{"anchors", func(n int) string { return containerHead + "    args: [" + times(n, "&a%d x,") + "]" }, ""},
	{"aliases of a short value", func(n int) string { return containerHead + "    args: [&a x," + strings.Repeat("*a,", n/3) + "]" }, ""},
	{"aliases of a long value", func(n int) string {
		return containerHead + "    args: [&a " + strings.Repeat("x", n/2) + "," + strings.Repeat("*a,", n/6) + "]"
	}, "too-large"},
	{"a laugh in the labels", laughs("metadata: {name: a, labels: *a}"), "too-large"},
	{"a laugh in a status", laughs("metadata: {name: a}\nspec: {deno: {inline: {code: x}}}\nstatus: *a"), "too-large"},
	{"a laugh in a field of any type", laughs("metadata: {name: a, managedFields: [{fieldsV1: *a}]}\nspec: {deno: {inline: {code: x}}}"), "too-large"},
	{"a laugh as a quantity", laughs("metadata: {name: a}\nspec: {container: {name: a, image: b, resources: {limits: {memory: *a}}}}"), "too-large"},
	{"anchors that contain themselves", func(n int) string { return configMapHead + "data:\n" + times(n, "  k%d: &a%[1]d [*a%[1]d]\n") }, "syntax"},
	{"merge keys that contain themselves", func(n int) string { return configMapHead + "data:\n" + times(n, "  k%d: &a%[1]d {<<: *a%[1]d}\n") }, "syntax"},
	{"merge keys of merge keys", mergeBomb, "too-large"},
	{"merge keys of the same object", func(n int) string {
		return "a: &a {" + times(n/2, "k%d: v, ") + "}\n" + configMapHead + "data: {<<: [" + strings.Repeat("*a,", n/6) + "]}"
	}, "too-large"},
}

// times repeats a format with increasing numbers up to n bytes.
func times(n int, format string) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func garbage(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, n)
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	return string(text)
}

// laughs returns nested aliases, each level with ten of the level before.
func laughs(use string) func(n int) string {
	return func(n int) string {
		text := "x: &x0 [a,a,a,a,a,a,a,a,a,a]\n"
		level := 0
		for ; len(text) < n && level < 100; level++ {
			text += fmt.Sprintf("x%d: &x%d [%s]\n", level+1, level+1, strings.Repeat(fmt.Sprintf("*x%d,", level), 10))
		}
		return "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\n" + text + strings.Replace(use, "*a", fmt.Sprintf("*x%d", level), 1)
	}
}

// mergeBomb returns objects of which each merges the one before.
func mergeBomb(n int) string {
	text := configMapHead + "x0: &x0 {a: b}\n"
	for i := 0; len(text) < n; i++ {
		text += fmt.Sprintf("x%d: &x%d {<<: *x%d, k%d: v}\n", i+1, i+1, i, i)
	}
	return text
}

// TestHostileInput checks that each input ends in the right error or loads like any other manifest.
func TestHostileInput(t *testing.T) {
	const size = 128 << 10
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			m, problems := load(c.text(size), false)
			errors := problems.Errors()
			rules := map[string]bool{}
			for _, p := range errors {
				rules[p.Rule] = true
				if len(p.Message) > 2000 || len(p.Remedy) > 2000 {
					t.Errorf("a message of %d and a remedy of %d bytes: %.200s", len(p.Message), len(p.Remedy), p.Message)
				}
			}
			switch {
			case c.rule == "" && len(errors) > 0:
				t.Errorf("%d errors: %.300s", len(errors), errors[0])
			case c.rule != "" && !rules[c.rule]:
				t.Errorf("no error of rule %s: %.500s", c.rule, fmt.Sprint(errors))
			case c.rule == "" && len(m.Definitions)+len(m.ConfigMaps)+len(m.Secrets)+len(m.AppContexts) == 0:
				t.Error("nothing was loaded")
			}
			if len(problems) > 2*maxProblems+2 {
				t.Errorf("%d problems, which nobody reads", len(problems))
			}
		})
	}
}

// TestMemoryGrowsWithTheInput checks that twice the input takes about twice the memory. The number of errors that are kept is
// the same for any input, so the smaller one is large enough to have that many.
func TestMemoryGrowsWithTheInput(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			const size = 64 << 10
			small, large := allocated([]byte(c.text(size))), allocated([]byte(c.text(2*size)))
			if large > 3*small+1<<20 {
				t.Errorf("%d KiB take %d KiB of memory, twice as many %d KiB", size>>10, small>>10, large>>10)
			}
			const each = 1000
			if large > 2*size*each {
				t.Errorf("%d bytes of memory for each byte of input", large/2/size)
			}
		})
	}
}

// allocated returns the number of bytes that a load allocates in total.
func allocated(data []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	Load([]File{{Name: "f", Data: data, Named: true}}, Options{Namespace: "default"})
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestLimitsOfASource checks that input beyond the limits ends in one error before it is parsed.
func TestLimitsOfASource(t *testing.T) {
	for name, text := range map[string]string{
		"50 MiB of one document": strings.Repeat("a: b\n", 10<<20),
		"a million keys":         configMapHead + "data: {" + times(8<<20, "a%x: b,") + "}",
		"a million documents":    strings.Repeat("---\na\n", 1_000_000),
		"a million values":       "[" + strings.Repeat("a,", 1_000_000) + "]",
		"a million empty values": strings.Repeat("?\n", 1_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			if got := allocated([]byte(text)); got > 16<<20 {
				t.Errorf("%d MiB of memory for what is not read", got>>20)
			}
			_, problems := load(text, false)
			if len(problems) != 1 || problems[0].Rule != "too-large" {
				t.Errorf("%d problems, the first %v; want one of rule too-large", len(problems), problems[:min(1, len(problems))])
			}
		})
	}
}

// TestAliasesThatManifestsHave checks that usual numbers of aliases are below the limits.
func TestAliasesThatManifestsHave(t *testing.T) {
	text := "apiVersion: v1\nkind: List\nitems:\n"
	for i := range 1000 {
		env, args := "*env", "*args"
		if i == 0 {
			env, args = "&env {"+times(500, "K%d: v, ")+"}", "&args [sh, -c, \"echo hello\"]"
		}
		text += fmt.Sprintf(`- apiVersion: lifecycle.keptn.sh/v1
  kind: KeptnTaskDefinition
  metadata: {name: a%d}
  spec: {deno: {inline: {code: x}, parameters: {map: {<<: %s, own: value}}}}
- apiVersion: lifecycle.keptn.sh/v1
  kind: KeptnTaskDefinition
  metadata: {name: b%d}
  spec: {container: {name: a, image: b, args: %s}}
`, i, env, i, args)
	}
	m, problems := load(text, false)
	if len(problems.Errors()) > 0 || len(m.Definitions) != 2000 {
		t.Fatalf("%d definitions, %.500v", len(m.Definitions), problems.Errors())
	}
	if f := m.Definitions[1998].Runner.(*Function); len(f.Parameters) < 50 {
		t.Errorf("the last definition has %d parameters", len(f.Parameters))
	}
}

// TestAliasOfAnUnknownField checks that a lenient load ignores an unknown field, but not other aliases of its value.
func TestAliasOfAnUnknownField(t *testing.T) {
	m, problems := load("x-code: &code {code: hello}\n"+definitionHead+"  deno: {inline: *code}\n", true)
	if len(problems.Errors()) > 0 || len(m.Definitions) != 1 || len(problems.Warnings()) != 1 {
		t.Fatalf("%d definitions, %v", len(m.Definitions), problems)
	}
	if code := m.Definitions[0].Runner.(*Function).Sources[0].(Inline).Code; code != "hello" {
		t.Errorf("the code is %q", code)
	}
}

// TestDocumentsInJSON loads a stream of JSON objects, and checks the place of the error if something else follows one.
func TestDocumentsInJSON(t *testing.T) {
	const one = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"},
 "data": {"code": "a\/b \ud83d\ude00 \u00e9 \\/ \\ud83d"}}`
	m, problems := load(fmt.Sprintf(one, "a")+"\n"+fmt.Sprintf(one, "b"), false)
	if len(problems) > 0 || len(m.ConfigMaps) != 2 || m.ConfigMaps[1].Pos.Line != 3 {
		t.Fatalf("%d objects, %v", len(m.ConfigMaps), problems)
	}
	if got, want := m.ConfigMaps[1].Data[0].Value, `a/b 😀 é \/ \ud83d`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, rest := range []string{"}", "x: [", "a: b", fmt.Sprintf(one, "b") + "}"} {
		m, problems := load(strings.ReplaceAll(fmt.Sprintf(one, "a"), `\`, "")+"\n  "+rest, false)
		if len(problems) != 1 || problems[0].Pos.Line != 3 || problems[0].Pos.Column != 3 || len(m.ConfigMaps) > 0 {
			t.Errorf("%q: %d objects, %v", rest, len(m.ConfigMaps), problems)
		}
	}
}

// TestLinesAfterMarkers checks the lines of objects after document markers.
func TestLinesAfterMarkers(t *testing.T) {
	_, problems := load("# one\n---\n# two\n---\n...\n# three\n---\nkind: x\n...\n\nkind: y\n", false)
	if len(problems) != 3 || problems[0].Pos.Line != 8 || problems[1].Pos.Line != 11 || problems[2].Pos.Line != 11 {
		t.Errorf("want one problem on line 8 and two on line 11: %v", problems)
	}
}
