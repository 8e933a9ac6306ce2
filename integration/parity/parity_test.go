//go:build cluster

package parity

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

var write = flag.Bool("write", false, "write docs/parity.md anew")

// manifests returns what all sides run.
func manifests(t *testing.T) (text string, names []string) {
	t.Helper()
	probes := strings.NewReplacer("@sh", quoted(t, "probe.sh"), "@py", quoted(t, "probe.py"), "@ts", quoted(t, "probe.ts"))
	specs := map[string]map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(probes.Replace(read(t, "definitions.yaml"))), &specs); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	all.WriteString(probes.Replace(read(t, "objects.yaml")))
	for _, name := range slices.Sorted(maps.Keys(specs)) {
		spec := specs[name]
		metadata, _ := spec["metadata"].(map[string]any)
		if metadata == nil {
			metadata = map[string]any{}
		}
		metadata["name"] = name
		delete(spec, "metadata")
		names = append(names, name)
		kind := "KeptnTaskDefinition"
		if spec["taskDefinition"] != nil {
			kind = "KeptnTask"
		}
		object, err := json.Marshal(map[string]any{"apiVersion": "lifecycle.keptn.sh/v1", "kind": kind, "metadata": metadata, "spec": spec})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "---\n%s\n", object)
	}
	return all.String(), names
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// quoted returns a probe as it stands between double quotes.
func quoted(t *testing.T, name string) string {
	t.Helper()
	text, err := json.Marshal(strings.TrimSpace(read(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(text), `"`)
}

// run runs the manifests on one side.
func run(t *testing.T, text string, names []string, engine string, semantics plan.Semantics) map[string]Facts {
	t.Helper()
	seen := NewObserver(semantics)
	o := local.FromEnv()
	o.Paths, o.In, o.Tasks = []string{"-"}, strings.NewReader(text), names
	o.DenoImage, o.PythonImage = "ktask.local/deno-runtime:dev", "ktask.local/python-runtime:dev"
	o.EngineOptions.Name, o.Semantics, o.Sink, o.Parallel = engine, semantics, seen, 8
	r, err := local.Run(t.Context(), o)
	if err != nil {
		t.Fatalf("%s, %s (make cluster): %v", engine, semantics, err)
	}
	t.Logf("%s, %s: %v", engine, semantics, r.Finished.Sub(r.Started))
	return seen.Facts()
}

// TestParity runs the same definitions on all sides, and compares what differs with docs/parity.md.
func TestParity(t *testing.T) {
	text, names := manifests(t)
	sides := Sides{ // one after the other: a busy engine reports some ends late
		run(t, text, names, "docker", plan.Local), run(t, text, names, "docker", plan.Cluster), run(t, text, names, "kubernetes", plan.Cluster),
	}
	differences, _ := sides.Compare()
	for _, d := range differences {
		if len(d.Headings) == 0 {
			t.Errorf("%s: %s is %q on Docker with local semantics, %q with those of a cluster, %q on a cluster, and no rule of docs/fidelity.md explains it",
				d.Definition, d.What, d.Values[0], d.Values[1], d.Values[2])
		}
	}
	for _, e := range Unused(differences) {
		t.Errorf("nothing differs because of %+v: remove it", e)
	}
	const page = "../../docs/parity.md"
	got := sides.Render()
	if *write && !t.Failed() {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(page); err != nil || string(want) != got {
		t.Errorf("docs/parity.md is not what was seen (make parity): %v\n%s", err, got)
	}
}
