package resolve

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// TestCodeSizeInACluster checks code that is too large for a ConfigMap, and for a golden file.
func TestCodeSizeInACluster(t *testing.T) {
	const most = 1 << 20
	for _, test := range []struct {
		name      string
		size      int
		semantics plan.Semantics
		warns     bool
	}{
		{"inline that fits", most, plan.Cluster, false},
		{"inline", most + 1, plan.Cluster, true},
		{"inline here", most + 1, plan.Local, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := fmt.Sprintf(inline, 0, strings.Repeat("x", test.size))
			m, problems, _ := spec.Load([]spec.File{{Name: "a.yaml", Data: []byte(text), Named: true}}, spec.Options{Namespace: "default"})
			_, more, _ := Resolve(m, Options{Namespace: "default", KeptnNamespace: "keptn-system", Semantics: test.semantics})
			warned := false
			for _, p := range append(problems, more...) {
				warned = warned || p.Rule == "cluster-code-size"
				if p.Severity == spec.Error {
					t.Error(p)
				}
			}
			if warned != test.warns {
				t.Errorf("warned: %t, want %t", warned, test.warns)
			}
		})
	}
}
