// Package layout holds the import rules of the module: data flows one way, and each package stays ignorant of what
// it need not know. The rules are the table below; the test reads the imports of the real packages.
package layout

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ktask/ktask"

// allowed lists, for each package, what it may import of the module.
var allowed = map[string][]string{
	"expect":                 {"spec", "engine"},
	"":                       {"command", "local", "local/standby"},
	"command":                {"expect", "spec", "resolve", "local", "engine", "engine/mask", "engine/owner", "engine/plan", "engine/plan/export", "engine/report", "runtimes"},
	"local":                  {"spec", "resolve", "engine", "engine/mask", "engine/owner", "engine/plan", "engine/docker", "engine/kubernetes", "local/internal/guard", "runtimes"},
	"local/internal/guard":   {},
	"local/standby":          {"local/internal/guard"},
	"examples/go-program":    {"engine", "local"},
	"resolve":                {"spec", "runtimes", "engine/plan"},
	"runtimes":               {"engine/plan"},
	"spec":                   {"spec/internal/api", "spec/yamltree"},
	"spec/internal/api":      {},
	"spec/yamltree":          {},
	"spec/schemagen":         {"spec", "spec/internal/api"},
	"engine":                 {"engine/diagnose", "engine/mask", "engine/plan"},
	"engine/diagnose":        {"engine/plan"},
	"engine/mask":            {"engine/plan"},
	"engine/plan":            {},
	"engine/plan/export":     {"engine/plan", "engine/plan/podspec"},
	"engine/plan/podspec":    {"engine/plan"},
	"engine/owner":           {},
	"engine/docker":          {"engine", "engine/docker/endpoint", "engine/docker/inplace", "engine/docker/replay", "engine/plan"},
	"engine/docker/endpoint": {},
	"engine/kubernetes":      {"engine", "engine/plan", "engine/plan/podspec"},
	"engine/docker/inplace":  {},
	"engine/docker/replay":   {},
	"engine/report":          {"engine", "engine/plan"},
	"engine/enginetest":      {"engine", "engine/plan"},
	"integration/archives":   {},
	"integration/corpus":     {"spec", "resolve", "local", "engine/plan"},
	"integration/dist":       {},
	"integration/engines":    {},
	"integration/parity":     {"engine", "engine/plan"},
	"integration/reaper":     {},
	"integration/tasktest":   {"local", "spec", "engine", "engine/plan", "engine/report"}, // its failures read like those of ktask -o quiet, with its own remedies

	"integration/bench":       {},
	"integration/bench/meter": {"integration/bench/usage"},
	"integration/bench/usage": {},
}

// forbidden names what a package must not reach, even through others, and why. An entry is a package and everything
// below it.
var forbidden = []struct {
	pkg     string
	imports []string
	direct  bool // only the package's own imports count: Kubernetes' types bring net/http along
	because string
}{
	{"spec", []string{"net/http", "os/exec", "os", "net", "github.com/docker"}, true, "a manifest is text: validation works offline, in a hook"},
	{"spec", []string{"github.com/docker"}, false, "a manifest is text"},
	{"spec/yamltree", []string{"k8s.io"}, false, "it reads YAML; what the YAML means is decided in spec"},
	{"resolve", []string{module + "/engine/docker", "github.com/urfave/cli", "os", "os/exec", "net/http"}, true, "it may look things up, it may not run"},
	{"engine/plan", []string{"os", "net", "os/exec"}, true, "a plan is inert and byte-stable"},
	{"engine/plan/export", []string{"os", "net", "os/exec"}, true, "it converts values, so each test of it is a table"},
	{"engine", []string{"github.com/docker", "github.com/urfave/cli", module + "/spec", module + "/resolve", module + "/engine/report", "k8s.io"}, false, "a second engine costs zero edits here"},
	{"engine/diagnose", []string{"os", "os/exec", "net/http"}, true, "a cause is found in the arguments alone, so each test of it is a table"},
	{"engine/mask", []string{"os", "os/exec", "net/http"}, true, "secrets are hidden in bytes, whatever wrote them"},
	{"engine/docker", []string{module + "/spec", module + "/resolve", module + "/runtimes", module + "/engine/report", "github.com/urfave/cli", "k8s.io"}, false, "Docker learns nothing about Keptn"},
	{"engine/kubernetes", []string{module + "/spec", module + "/resolve", module + "/runtimes", module + "/engine/report", module + "/engine/docker", "github.com/docker", "github.com/urfave/cli", "k8s.io/client-go/kubernetes"}, false, "a cluster learns nothing about Keptn; the typed clients would double the program"},
	{"spec/internal/api", []string{"encoding/json", "go.yaml.in", "os"}, true, "it holds types and names and reads nothing"},
	{"local", []string{module + "/engine/report", "github.com/urfave/cli"}, false, "a Go program gets values: what is printed is decided in command"},
	{"", []string{"github.com/testcontainers", "testing", module + "/spec/schemagen"}, false, "the binary stays small"},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	GoFiles    []string
}

func packages(t *testing.T) map[string]pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,GoFiles", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]pkg{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		all[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")] = p
	}
}

func TestImportsWithinTheModule(t *testing.T) {
	for name, p := range packages(t) {
		rule, known := allowed[name]
		if !known && len(p.Imports) > 0 {
			t.Errorf("package %q has no rule: add it to allowed and say what it may know", name)
			continue
		}
		for _, path := range p.Imports {
			if own, ok := strings.CutPrefix(path, module+"/"); ok && !slices.Contains(rule, own) {
				t.Errorf("%q must not import %q: it may import %v", name, own, rule)
			}
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	all := packages(t)
	for _, rule := range forbidden {
		p, ok := all[rule.pkg]
		if !ok {
			t.Errorf("there is no package %q", rule.pkg)
		}
		reached := p.Deps
		if rule.direct {
			reached = p.Imports
		}
		for _, path := range reached {
			for _, bad := range rule.imports {
				if path == bad || strings.HasPrefix(path, bad+"/") {
					t.Errorf("%q must not import %q: %s", rule.pkg, path, rule.because)
				}
			}
		}
	}
}

// TestEngineStaysSmall counts the files of engine: what grows beyond them belongs in a package of its own.
func TestEngineStaysSmall(t *testing.T) {
	const most = 16
	if files := packages(t)["engine"].GoFiles; len(files) > most {
		t.Errorf("engine has %d files, more than %d: %v", len(files), most, files)
	}
}

// TestPlanImportsTheStandardLibraryOnly tells the standard library by its import paths, which have no dot.
func TestPlanImportsTheStandardLibraryOnly(t *testing.T) {
	for _, path := range packages(t)["engine/plan"].Imports {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
			t.Errorf("engine/plan imports %q: a plan is inert and byte-stable", path)
		}
	}
}

// TestStandbyImportsLittle: each further import lets packages be initialized before local/standby that a dismissed guardian does
// not need.
func TestStandbyImportsLittle(t *testing.T) {
	may := []string{"io", "os", "os/signal", "syscall", module + "/local/internal/guard"}
	for _, path := range packages(t)["local/standby"].Imports {
		if !slices.Contains(may, path) {
			t.Errorf("local/standby imports %q: it may import %v", path, may)
		}
	}
}

// TestModuleCanBeInstalled: `go install MODULE@latest` refuses a go.mod that replaces or excludes modules.
func TestModuleCanBeInstalled(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var mod struct {
		Module           struct{ Path string }
		Replace, Exclude []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if mod.Module.Path != module || len(mod.Replace)+len(mod.Exclude) > 0 {
		t.Errorf("go.mod is of %s, replaces %v and excludes %v", mod.Module.Path, mod.Replace, mod.Exclude)
	}
}

// TestOnlyDockerKnowsDocker keeps the client library, which will be replaced one day, behind one package.
func TestOnlyDockerKnowsDocker(t *testing.T) {
	for name, p := range packages(t) {
		if name == "engine/docker" || strings.HasPrefix(name, "engine/docker/") {
			continue
		}
		for _, path := range p.Imports {
			if strings.HasPrefix(path, "github.com/docker/") {
				t.Errorf("%q imports %q: only engine/docker does", name, path)
			}
		}
	}
}

// TestRevealStaysWhereItBelongs finds calls by name. Only engine/mask and the conversion for Docker need the values.
func TestRevealStaysWhereItBelongs(t *testing.T) {
	out, err := exec.Command("git", "grep", "-lE", `[.]Reveal\b`, "--", ":/*.go", ":!/*_test.go").Output()
	if err != nil {
		t.Fatalf("git grep: %v", err)
	}
	may := []string{"engine/docker/convert.go", "engine/kubernetes/convert.go", "engine/mask/mask.go", "engine/plan/text.go"}
	for _, file := range strings.Fields(string(out)) {
		if file = strings.TrimLeft(file, "./"); !slices.Contains(may, file) {
			t.Errorf("%s calls Reveal: only %v may", file, may)
		}
	}
}
