package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
)

// TestKustomizations checks what is said of a base and two overlays: a patch is not a manifest, the line to type is that of an
// overlay, and a resource of both overlays is not simply defined twice. What only one kustomization has is.
func TestKustomizations(t *testing.T) {
	t.Chdir(t.TempDir())
	const header = "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\n"
	for name, text := range map[string]string{
		"base/kustomization.yaml":    "resources: [task.yaml]\n",
		"base/task.yaml":             header + "metadata: {name: check}\nspec: {container: {name: c, image: a}}\n",
		"dev/kustomization.yaml":     "resources: [../base, smoke.yaml, twice.yaml]\npatches: [{path: check.yaml}, {patch: '[]'}]\n",
		"dev/check.yaml":             header + "metadata: {name: check}\nspec: {container: {name: c, command: [echo, dev]}}\n",
		"dev/smoke.yaml":             header + "metadata: {name: smoke}\nspec: {container: {name: c, image: a}}\n",
		"the prod/Kustomization":     "bases: [../base]\nresources: [smoke.yaml]\npatchesStrategicMerge: [check.yaml, \"{kind: X}\"]\n",
		"the prod/check.yaml":        header + "metadata: {name: check}\nspec: {container: {name: c, command: [echo, prod]}}\n",
		"the prod/smoke.yaml":        header + "metadata: {name: smoke}\nspec: {container: {name: c, image: b}}\n",
		"other/kustomization.yml":    "resources: {broken\n",
		"other/check.yaml":           header + "metadata: {name: check}\nspec: {container: {name: c, image: a}}\n",
		"loose/smoke.yaml":           header + "metadata: {name: smoke}\nspec: {container: {name: c, image: a}}\n",
		"dev/twice.yaml":             header + "metadata: {name: smoke}\nspec: {container: {name: c, image: a}}\n",
		"other/nested/unrelated.yml": "a: 1\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const is = ": warning: kustomize changes the manifests of this directory, but ktask reads them unchanged and without the patches (run what kustomize builds: kubectl kustomize "
	twice := func(file, name, first string) string {
		return fmt.Sprintf("%s:1:1: error: KeptnTaskDefinition %q is defined twice in namespace \"default\"; the first is at %s:1:1 (keep one of them) [duplicate-object]\n", file, name, first)
	}
	want := "dev/kustomization.yaml" + is + "dev | ktask run -) [kustomization]\n" +
		"other/kustomization.yml" + is + "other | ktask run -) [kustomization]\n" +
		"the prod/Kustomization" + is + "'the prod' | ktask run -) [kustomization]\n" +
		twice("dev/twice.yaml", "smoke", "dev/smoke.yaml") + twice("loose/smoke.yaml", "smoke", "dev/smoke.yaml") + twice("other/check.yaml", "check", "base/task.yaml") +
		"the prod/smoke.yaml:1:1: error: KeptnTaskDefinition \"smoke\" is in two kustomizations in namespace \"default\"; the first is at dev/smoke.yaml:1:1 (run one of them: kubectl kustomize 'the prod' | ktask run -) [duplicate-object]\n"
	files, err := local.ReadFiles([]string{"."}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, problems := local.Check(files, resolve.Options{Namespace: "default", KeptnNamespace: "keptn-system"})
	got := ""
	for _, p := range problems {
		got += p.String() + "\n"
	}
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
