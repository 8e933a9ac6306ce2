package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ktask/ktask/spec"
)

// TestOrderOfManyDocuments holds that documents which are parsed at the same time are read in their order: small ones in batches,
// one that is too large for that, and one that cannot be parsed.
func TestOrderOfManyDocuments(t *testing.T) {
	const documents, large, broken = 1000, 500, 600
	var text strings.Builder
	var names []string
	for i := range documents {
		name := fmt.Sprintf("t%04d", i)
		text.WriteString("---\napiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: " + name +
			"}\nspec:\n  container: {name: c, image: busybox}\n")
		switch i {
		case large:
			text.WriteString(strings.Repeat("# "+strings.Repeat("x", 1022)+"\n", 300))
		case broken:
			text.WriteString("  broken: [\n")
			continue
		}
		names = append(names, name)
	}
	manifests, problems, err := spec.Load([]spec.File{{Name: "f.yaml", Data: []byte(text.String()), Named: true}}, spec.Options{})
	if err == nil || len(problems) != 1 || problems[0].Rule != "syntax" {
		t.Fatalf("the problems are %v", problems)
	}
	if len(manifests.Definitions) != len(names) {
		t.Fatalf("%d definitions, expected %d", len(manifests.Definitions), len(names))
	}
	for i, d := range manifests.Definitions {
		if d.Name != names[i] {
			t.Fatalf("definition %d is %s, expected %s", i, d.Name, names[i])
		}
	}
}
