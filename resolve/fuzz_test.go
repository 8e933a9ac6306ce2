package resolve

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// nameReference matches what the kubelet replaces: an escaped dollar, or a name in brackets.
var nameReference = regexp.MustCompile(`(?s)\$\$|\$\(([^)]*)\)`)

// expandedByRule expands a text by the kubelet's rule: "Variable references $(VAR_NAME) are expanded.
// If a variable cannot be resolved, the reference will be unchanged. Double $$ are reduced to a single $."
func expandedByRule(text string, variables map[string]string) string {
	return nameReference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		if value, ok := variables[found[2:len(found)-1]]; ok {
			return value
		}
		return found
	})
}

// FuzzExpand compares expand with the rule, for a plain variable A and a secret variable B.
func FuzzExpand(f *testing.F) {
	for _, text := range []string{
		"", "$", "$$", "$$$", "$(", "$()", "$(A)", "$$(A)", "$$$(A)", "$(A", "$(A$(A)", "$(A)$(B)", "$(C)", "$A", "$(A))", "((A))", "$($(A))", "a$(A)b$$c$", "$(A)\xff$(", "$\n(A)", "$(date +%s)", "$((1+2))", "$( $$ )",
	} {
		f.Add(text, "x", "$(A)")
		f.Add(text, "$$", "")
	}
	f.Fuzz(func(t *testing.T, text, a, b string) {
		values := map[string]plan.Text{"A": plan.Plain(a), "B": plan.Hidden(plan.NewSecret("b", b))}
		got := expand(text, func(name string) (plan.Text, bool) {
			value, ok := values[name]
			return value, ok
		})
		want := expandedByRule(text, map[string]string{"A": a, "B": b})
		if len(want) > maxText {
			if got.Len() <= maxText {
				t.Errorf("of %d bytes %d are left, which looks like a value that fits", len(want), got.Len())
			}
			return
		}
		if got.Reveal() != want {
			t.Errorf("%q with A=%q, B=%q gives %q, want %q", text, a, b, got.Reveal(), want)
		}
		if masked := expandedByRule(text, map[string]string{"A": a, "B": plan.Mask}); got.String() != masked {
			t.Errorf("%q with A=%q and a secret B shows %q, want %q", text, a, got.String(), masked)
		}
	})
}

// FuzzResolve checks that manifests without errors resolve without a panic and render in every form, twice to the same bytes.
func FuzzResolve(f *testing.F) {
	for _, pattern := range []string{"../examples/*/*.yaml", "testdata/rules/*.txtar", "../spec/testdata/rules/*.txtar"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) < 10 {
			f.Fatalf("%d files match %s (%v)", len(names), pattern, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, false)
			f.Add(data, true)
			for _, document := range manifestsOf(data) {
				f.Add(document, true)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, cluster bool) {
		first, ok := rendered(t, data, cluster)
		if !ok {
			return
		}
		if second, _ := rendered(t, data, cluster); !bytes.Equal(first, second) {
			t.Errorf("two plans differ:\n%s\n%s", first, second)
		}
	})
}

// manifestsOf returns the manifests in an archive of files, which start with lines like "-- task.yaml --".
func manifestsOf(archive []byte) [][]byte {
	var all [][]byte
	for _, part := range regexp.MustCompile(`(?m)^-- `).Split(string(archive), -1)[1:] {
		if name, text, ok := strings.Cut(part, " --\n"); ok && strings.HasSuffix(name, ".yaml") {
			all = append(all, []byte(text))
		}
	}
	return all
}

func rendered(t *testing.T, data []byte, cluster bool) (all []byte, ok bool) {
	m, problems, _ := spec.Load([]spec.File{{Name: "f", Data: data, Named: true}}, spec.Options{Namespace: "default"})
	if len(problems.Errors()) > 0 {
		return nil, false
	}
	o := Options{Namespace: "default", KeptnNamespace: "keptn-system"}
	if cluster {
		o.Semantics = plan.Cluster
	}
	p, problems, _ := Resolve(m, o)
	problems = append(problems, Check(m, o)...)
	text, err := p.MarshalJSON()
	if err != nil || !utf8.Valid(text) {
		t.Errorf("no JSON: %v", err)
	}
	out := bytes.NewBuffer(text)
	for _, explain := range []bool{false, true} {
		if err := p.WriteText(out, plan.TextOptions{Explain: explain, Width: 80}); err != nil {
			t.Errorf("no text: %v", err)
		}
	}
	for _, problem := range problems {
		out.WriteString(problem.String() + "\n")
	}
	return out.Bytes(), true
}
