package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/testcontainers/testcontainers-go"

	"github.com/ktask/ktask/integration/engines"
)

const examples = "../../examples"

func exampleNames(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(examples)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "application" && e.Name() != "go-program" { // which have tests of their own
			names = append(names, e.Name())
		}
	}
	if len(names) < 11 {
		t.Fatalf("%d examples, want one for each of the reference page: %v", len(names), names)
	}
	return names
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestExamples runs every example and compares what its tasks print with what it says they do.
func TestExamples(t *testing.T) {
	for _, name := range exampleNames(t) {
		t.Run(name, func(t *testing.T) {
			args := []string{"run", "--parallel", "1", "--image", anyBusybox, "examples/" + name}
			if strings.HasSuffix(name, "-httpref") {
				args = append(args, "--network", serve(t, filepath.Join(examples, name)))
			}
			o := ktask(t, "", args...).expect(t, 0)
			want := readFile(t, filepath.Join(examples, name, "output.txt"))
			if got := withoutPrefixes(o.stdout); got != want {
				t.Errorf("prints\n%s\nwant\n%s", got, want)
			}
			if readme := readFile(t, filepath.Join(examples, name, "README.md")); !strings.Contains(strings.ReplaceAll(readme, "\n    ", "\n"), want) {
				t.Errorf("README.md does not show the output")
			}
		})
	}
}

// TestExamplesValidateTogether, as one who looks through them does first. The Go program brings a secret of its own.
func TestExamplesValidateTogether(t *testing.T) {
	o := ktask(t, "", "validate", "examples").expect(t, 0)
	for line := range strings.Lines(o.stdout + o.stderr) {
		if !strings.HasPrefix(line, "examples/go-program/task.yaml:16:33: warning: ") {
			t.Errorf("validate says: %s", line)
		}
	}
}

// withoutPrefixes takes the names of tasks from lines of output, which several tasks have.
func withoutPrefixes(text string) string {
	lines := strings.SplitAfter(text, "\n")
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, " | ") }) {
		return text
	}
	for i, l := range lines {
		if _, rest, ok := strings.Cut(l, " | "); ok {
			lines[i] = rest
		}
	}
	return strings.Join(lines, "")
}

// serve starts a web server for the scripts of an example, with the host name of their URLs, and returns its network.
func serve(t *testing.T, dir string) (networkName string) {
	t.Helper()
	var files []testcontainers.ContainerFile
	scripts, err := filepath.Glob(filepath.Join(dir, "*.[jtp][sy]"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts to serve in %s: %v", dir, err)
	}
	for _, script := range scripts {
		files = append(files, testcontainers.ContainerFile{HostFilePath: script, ContainerFilePath: "/tmp/" + filepath.Base(script), FileMode: 0o444})
	}
	return engines.Scripts(t, pythonImage, "Serving HTTP on", files, "-m", "http.server", "--directory", "/tmp", "8000")
}

// TestPlansAreStable: the same input gives the same bytes, and no secret is in them.
func TestPlansAreStable(t *testing.T) {
	for _, name := range exampleNames(t) {
		t.Run(name, func(t *testing.T) {
			first := ktask(t, "", "plan", "-o", "json", "examples/"+name).expect(t, 0).stdout
			if second := ktask(t, "", "plan", "-o", "json", "examples/"+name).expect(t, 0).stdout; first != second {
				t.Errorf("two plans differ:\n%s\n%s", first, second)
			}
			for _, secret := range []string{"not-a-real", "bm90LWEtcmVhb"} {
				if strings.Contains(first, secret) {
					t.Errorf("the plan holds a secret value:\n%s", first)
				}
			}
			ktask(t, "", "validate", "examples/"+name).expect(t, 0)
			ktask(t, "", "list", "examples/"+name).expect(t, 0)
		})
	}
}
