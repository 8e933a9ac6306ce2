package spec_test

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/spec"
)

// leaves returns the paths of all fields below t, as ContainerFields writes them.
func leaves(t reflect.Type, path string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Slice:
		return leaves(t.Elem(), path+"[]")
	case t.Kind() != reflect.Struct || strings.HasSuffix(t.PkgPath(), "api/resource") || strings.HasSuffix(t.PkgPath(), "util/intstr"):
		return []string{strings.TrimSuffix(path, "[]")}
	}
	var all []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		below := path
		if name != "" { // else it is embedded
			below = strings.TrimPrefix(path+"."+name, ".")
		}
		all = append(all, leaves(f.Type, below)...)
	}
	return all
}

// covers reports whether the verdict on a path applies to a leaf.
func covers(path, leaf string) bool {
	rest, ok := strings.CutPrefix(leaf, path)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func TestEveryContainerFieldHasOneVerdict(t *testing.T) {
	all := leaves(reflect.TypeFor[corev1.Container](), "")
	if len(all) < 100 {
		t.Fatalf("only %d fields found: the walk is wrong", len(all))
	}
	for _, leaf := range all {
		var verdicts []string
		for _, f := range spec.ContainerFields() {
			if covers(f.Path, leaf) {
				verdicts = append(verdicts, f.Path)
			}
		}
		if len(verdicts) != 1 {
			t.Errorf("%s has %d verdicts %v, want one", leaf, len(verdicts), verdicts)
		}
	}
	for _, f := range spec.ContainerFields() {
		if !slices.ContainsFunc(all, func(leaf string) bool { return covers(f.Path, leaf) }) {
			t.Errorf("%s is no field of a container", f.Path)
		}
		if f.Support != spec.Supported && f.Reason == "" {
			t.Errorf("%s is %s without a reason", f.Path, f.Support)
		}
	}
}

// TestVerdictsOnTheFixture loads a manifest that uses every field and compares the problems with the table.
func TestVerdictsOnTheFixture(t *testing.T) {
	data, err := os.ReadFile("testdata/every-container-field.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, problems, _ := spec.Load([]spec.File{{Name: "all.yaml", Data: data, Named: true}}, spec.Options{Namespace: "default"})
	told := map[string]spec.Problem{}
	for _, p := range problems {
		path := strings.TrimPrefix(p.Pos.Field, "spec.container.")
		for i := range 10 {
			path = strings.ReplaceAll(path, "["+string(rune('0'+i))+"]", "[]")
		}
		told[path] = p
	}
	for _, f := range spec.ContainerFields() {
		if !strings.Contains(string(data), f.Path[strings.LastIndexAny(f.Path, ".")+1:]) {
			t.Errorf("the fixture does not use %s", f.Path)
		}
		p, ok := told[f.Path]
		delete(told, f.Path)
		switch {
		case f.Support == spec.Supported && ok:
			t.Errorf("%s is supported, but %s", f.Path, p)
		case f.Support == spec.Approximated && p.Severity != spec.Note:
			t.Errorf("%s is approximated, which nobody says: %v", f.Path, p)
		case f.Support == spec.Rejected && p.Severity != spec.Error:
			t.Errorf("%s is rejected, but there is no error: %v", f.Path, p)
		}
	}
	for _, p := range told {
		t.Errorf("unexpected: %s", p)
	}
}

func TestLenientLeavesRejectedFieldsOut(t *testing.T) {
	data, err := os.ReadFile("testdata/every-container-field.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, problems, _ := spec.Load([]spec.File{{Name: "all.yaml", Data: data, Named: true}}, spec.Options{Namespace: "default", Lenient: true})
	if len(m.Definitions) != 1 || len(problems.Errors()) != 0 || len(problems.Warnings()) == 0 {
		t.Errorf("%d definitions, problems %v", len(m.Definitions), problems)
	}
}

// TestDocsHaveTheTable compares the table of container fields in docs/cluster.md with the code.
func TestDocsHaveTheTable(t *testing.T) {
	page, err := os.ReadFile("../docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| field | | |\n|---|---|---|\n")
	for _, f := range spec.ContainerFields() {
		table.WriteString("| `" + f.Path + "` | " + string(f.Support) + " | " + f.Reason + " |\n")
	}
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("docs/cluster.md lacks this table:\n%s", table.String())
	}
}
