package resolve_test

import (
	"testing"

	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// TestMissingSecrets checks that a plan beside an error is only for plans that do not run.
func TestMissingSecrets(t *testing.T) {
	const text = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec: {python: {inline: {code: x}, secureParameters: {secret: token}}}\n"
	files := []spec.File{{Name: "a.yaml", Data: []byte(text), Named: true}}
	m, problems, err := spec.Load(files, spec.Options{Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	for preview, tasks := range map[bool]int{false: 0, true: 1} {
		o := resolve.Options{Namespace: "default", KeptnNamespace: "keptn-system", Preview: preview}
		if p, _, err := resolve.Resolve(m, o); err == nil || len(p.Tasks) != tasks {
			t.Errorf("preview %t: %d tasks, %v", preview, len(p.Tasks), err)
		}
		o.Tasks = []string{"a"}
		if p, _, err := resolve.ResolveNamed(m, o, files, problems); err == nil || len(p.Tasks) != tasks {
			t.Errorf("preview %t, named: %d tasks, %v", preview, len(p.Tasks), err)
		}
	}
}
