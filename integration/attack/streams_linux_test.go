package attack

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFileHasNoEscapes runs two tasks with one stream on a terminal and the other in a file, which must hold only text.
func TestFileHasNoEscapes(t *testing.T) {
	dir := t.TempDir()
	task := func(name string) string {
		return "---\napiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: " + name + "}\nspec: {container: {name: c, image: " +
			busyboxImage + ", command: [sh, -c, 'echo out; echo err >&2']}}\n"
	}
	write(t, dir, "tasks.yaml", task("a")+task("b"))
	for _, file := range []string{"stdout", "stderr"} {
		for _, output := range []string{"auto", "plain"} {
			outside, inside := terminal(t)
			saved, err := os.Create(filepath.Join(dir, "saved"))
			if err != nil {
				t.Fatal(err)
			}
			cmd := command(t, dir, []string{"TERM=xterm", "NO_COLOR="}, "run", "-o", output, "--timestamps", "tasks.yaml")
			cmd.Stdout, cmd.Stderr = inside, saved
			if file == "stdout" {
				cmd.Stdout, cmd.Stderr = saved, inside
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = inside.Close()
			var shown bytes.Buffer
			_, _ = io.Copy(&shown, outside) // ends with an error of the terminal when ktask has ended
			if err := cmd.Wait(); err != nil {
				t.Fatalf("-o %s: %v: %s", output, err, shown.String())
			}
			_, _ = outside.Close(), saved.Close()
			text, err := os.ReadFile(saved.Name())
			if err != nil || bytes.ContainsRune(text, '\x1b') || !strings.Contains(string(text), file[3:]) {
				t.Errorf("-o %s: %s in a file: error %v, %q", output, file, err, text)
			}
		}
	}
}
