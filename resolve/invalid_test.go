package resolve_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// TestInvalidManifestsMakeNoPlan loads a valid task together with an invalid one, and checks that neither is planned.
func TestInvalidManifestsMakeNoPlan(t *testing.T) {
	const valid = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec: {deno: {inline: {code: x}}}\n---\n"
	const uses = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTask\nmetadata: {name: of-NAME}\nspec: {taskDefinition: NAME}\n---\n"
	for name, test := range map[string]struct{ text, loads, resolves string }{
		"an invalid field": {
			valid + strings.ReplaceAll(strings.Replace(valid, "name: a", "name: b", 1), "spec: {", "spec: {retires: 1, "),
			`unknown field "spec.retires"`, `unknown field "spec.retires"`,
		},
		"a reference to nothing": {
			valid + strings.ReplaceAll(uses, "NAME", "a") + strings.ReplaceAll(uses, "NAME", "c"),
			"", `KeptnTaskDefinition "c"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, problems, err := spec.Load([]spec.File{{Name: "f", Data: []byte(test.text), Named: true}}, spec.Options{Namespace: "default"})
			invalid(t, err, problems, test.loads)
			p, more, err := resolve.Resolve(m, resolve.Options{Namespace: "default", KeptnNamespace: "keptn-system"})
			invalid(t, err, append(problems, more...), test.resolves)
			if !reflect.DeepEqual(p, plan.Plan{}) {
				t.Errorf("the plan has %d tasks: %+v", len(p.Tasks), p)
			}
		})
	}
}

// invalid checks that err is an InvalidError with all problems and the given text, or nil if want is empty.
func invalid(t *testing.T, err error, problems spec.Problems, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	var e *spec.InvalidError
	if !errors.As(err, &e) || !reflect.DeepEqual(e.Problems, problems) || !strings.Contains(e.Error(), want) {
		t.Errorf("got error %v, want all of %v with %q", err, problems, want)
	}
}
