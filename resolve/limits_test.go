package resolve

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

const (
	header    = "---\napiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a%d}\nspec: "
	calling   = header + "{deno: {functionRef: {name: a%d}}}\n"
	inline    = header + "{deno: {inline: {code: %q}}}\n"
	container = header + "{container: {name: a, image: b:1, env: [%s], args: [%s]}}\n"
)

// chain returns n definitions that call the next one each. The last one has code or, in a cycle, calls the first.
func chain(n int, circle bool) string {
	var b strings.Builder
	for i := range n - 1 {
		fmt.Fprintf(&b, calling, i, i+1)
	}
	if circle {
		fmt.Fprintf(&b, calling, n-1, 0)
	} else {
		fmt.Fprintf(&b, inline, n-1, "x")
	}
	return b.String()
}

func repeated(n int, each func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(each(i))
	}
	return b.String()
}

func callers(n int) string {
	return repeated(n, func(i int) string { return fmt.Sprintf(calling, i, 1_000_000) })
}

// demanding has small manifests that could lead to a large plan or to a lot of work. The function text returns one of a size; rule
// is the rule of the first error of a large one, or "".
var demanding = []struct {
	name string
	size int
	text func(n int) string
	rule string
}{
	{"a chain within the limit", 50, func(n int) string { return chain(min(n, maxChain), false) }, ""},
	{"a chain of calls", 1500, func(n int) string { return chain(n, false) }, "reference-chain"},
	{"a circle of calls", 1500, func(n int) string { return chain(n, true) }, "reference-chain"},
	{"a small circle", 25, func(n int) string { return chain(n, true) }, "reference-cycle"},
	{"large pull secrets", 1500, func(n int) string {
		entries := repeated(n, func(i int) string { return fmt.Sprintf(`"r%d.io":{"username":"u","password":"p"},`, i) })
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/dockercfg\nstringData: {.dockercfg: '{" + strings.TrimSuffix(entries, ",") + "}'}\n" +
			repeated(n, func(i int) string {
				return fmt.Sprintf(header+"{imagePullSecrets: [{name: s}], container: {name: a, image: b:1}}\n", i)
			})
	}, "plan-too-large"},
	{"calls that lead nowhere", 1500, func(n int) string {
		return repeated(n, func(i int) string { return fmt.Sprintf(calling, i, i+1_000_000) })
	}, "missing-definition"},
	{"dollars", 1 << 19, func(n int) string { return fmt.Sprintf(container, 0, "", `"`+strings.Repeat("$(", n)+`"`) }, "value-too-long"},
	{"dollars that fit", 1 << 15, func(n int) string { return fmt.Sprintf(container, 0, "", `"`+strings.Repeat("$$", n)+`"`) }, ""},
	{"references to a long value", 1 << 15, func(n int) string {
		long := fmt.Sprintf(`{name: A, value: "%s"}`, strings.Repeat("x", 100_000))
		return fmt.Sprintf(container, 0, long, strings.Repeat("$(A),", n))
	}, "value-too-long"},
	{"variables that double", 1 << 12, func(n int) string {
		env := "{name: V0, value: x}" + repeated(n, func(i int) string { return fmt.Sprintf(", {name: V%d, value: $(V%d)$(V%d)}", i+1, i, i) })
		return fmt.Sprintf(container, 0, env, "")
	}, "value-too-long"},
	{"a long script of many", 600, func(n int) string {
		return callers(n) + fmt.Sprintf(inline, 1_000_000, strings.Repeat("DATA ", 50_000))
	}, "plan-too-large"},
	{"many parameters of many", 200, func(n int) string {
		parameters := repeated(5_000, func(i int) string { return fmt.Sprintf("k%d: v, ", i) })
		return callers(n) + fmt.Sprintf(header, 1_000_000) + "{deno: {inline: {code: x}, parameters: {map: {" + parameters + "}}}}\n"
	}, "plan-too-large"},
	{"many keys of many sources", 1 << 10, func(n int) string {
		keys := repeated(2_000, func(i int) string { return fmt.Sprintf("k%d: v, ", i) })
		sources := repeated(n, func(i int) string { return fmt.Sprintf("{prefix: A%d_, configMapRef: {name: m}},", i) })
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {" + keys + "}\n" +
			fmt.Sprintf(header, 0) + "{container: {name: a, image: b, envFrom: [" + sources + "]}}\n"
	}, "plan-too-large"},
	{"a long secret of many sources", 1 << 10, func(n int) string {
		sources := repeated(n, func(i int) string { return fmt.Sprintf("{prefix: A%d_, secretRef: {name: m}},", i) })
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: m}\nstringData: {k: " + strings.Repeat("x", 100_000) + "}\n" +
			fmt.Sprintf(header, 0) + "{container: {name: a, image: b, envFrom: [" + sources + "]}}\n"
	}, "plan-too-large"},
	{"definitions", 1500, func(n int) string {
		return repeated(n, func(i int) string { return fmt.Sprintf(inline, i, "console.log(1)") })
	}, ""},
}

// TestDemandingManifests checks that each leads to a plan or to the right error.
func TestDemandingManifests(t *testing.T) {
	for _, c := range demanding {
		t.Run(c.name, func(t *testing.T) {
			p, problems := resolved(t, c.text(2*c.size))
			errors := problems.Errors()
			switch {
			case c.rule == "" && (len(errors) > 0 || len(p.Tasks) == 0):
				t.Errorf("%d tasks, %.300v", len(p.Tasks), errors)
			case c.rule != "" && (len(errors) == 0 || errors[0].Rule != c.rule):
				t.Errorf("want an error of rule %s: %.300v", c.rule, errors)
			}
			for _, p := range errors {
				if len(p.String()) > 2000 {
					t.Errorf("a problem of %d bytes: %.200s", len(p.String()), p)
				}
			}
		})
	}
}

// TestWorkGrowsWithTheManifests checks that twice the manifests take about twice the memory, for a plan and for a check. If the
// plan becomes too large, the work ends there.
func TestWorkGrowsWithTheManifests(t *testing.T) {
	for _, c := range demanding {
		if c.rule == "plan-too-large" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			size := max(1, c.size/4)
			small, large := allocated(t, c.text(size)), allocated(t, c.text(2*size))
			if large > 3*small+1<<20 {
				t.Errorf("size %d takes %d KiB of memory, twice that %d KiB", size, small>>10, large>>10)
			}
		})
	}
}

func resolved(t *testing.T, text string) (plan.Plan, spec.Problems) {
	t.Helper()
	m, problems, _ := spec.Load([]spec.File{{Name: "f", Data: []byte(text), Named: true}}, spec.Options{Namespace: "default"})
	if len(problems.Errors()) > 0 {
		t.Fatalf("does not load: %.300v", problems.Errors())
	}
	p, problems, _ := Resolve(m, Options{Namespace: "default", KeptnNamespace: "keptn-system"})
	return p, problems
}

// allocated returns the number of bytes that a plan, its JSON and a check allocate in total.
func allocated(t *testing.T, text string) uint64 {
	t.Helper()
	m, _, _ := spec.Load([]spec.File{{Name: "f", Data: []byte(text), Named: true}}, spec.Options{Namespace: "default"})
	o := Options{Namespace: "default", KeptnNamespace: "keptn-system"}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, _, _ := Resolve(m, o)
	if _, err := p.MarshalJSON(); err != nil {
		t.Error(err)
	}
	Check(m, o)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
