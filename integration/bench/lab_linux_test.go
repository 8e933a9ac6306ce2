package bench

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What `make images` builds in place of the published images.
const (
	busybox     = "ktask.local/busybox:dev"
	denoImage   = "ktask.local/deno-runtime:dev"
	pythonImage = "ktask.local/python-runtime:dev"
)

// lab is what experiments need.
type lab struct {
	ctx     context.Context
	dir     string
	ktask   string // the program
	version string // of ktask: a tag or a commit
	meter   string // the program of this name
	docker  string // the machine's Docker, for people
	rounds  int
}

// newLab builds ktask with the flags of `make dist`.
func newLab(ctx context.Context, b *testing.B, rounds int) *lab {
	dir := b.TempDir()
	l := &lab{ctx: ctx, dir: dir, ktask: filepath.Join(dir, "ktask"), meter: filepath.Join(dir, "meter"), rounds: rounds}
	l.output(b, "go", "build", "-o", l.meter, "./meter")
	// The flags are those of integration/dist, which refuses what is not committed.
	l.output(b, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", l.ktask, "../..")
	l.version, l.docker = l.output(b, "git", "describe", "--always", "--tags", "--dirty"), l.describe(b)
	return l
}

// describe returns the name, version and API of an engine. arguments are docker's that choose it.
func (l *lab) describe(b *testing.B, arguments ...string) string {
	const format = `{{(index .Server.Components 0).Name}} {{.Server.Version}}, API {{.Server.APIVersion}}`
	name := l.output(b, "docker", append(arguments, "version", "--format", format)...)
	return strings.NewReplacer("Podman Engine", "podman", "Engine", "Docker").Replace(name)
}

// write makes a file and returns its path.
func (l *lab) write(b *testing.B, name, text string) string {
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil { // tasks read it as any user
		b.Fatal(err)
	}
	return path
}

// output runs a command that is not measured.
func (l *lab) output(b *testing.B, name string, arguments ...string) string {
	var complaints strings.Builder
	cmd := exec.CommandContext(l.ctx, name, arguments...)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%s %s: %v: %s", name, strings.Join(arguments, " "), err, complaints.String())
	}
	return strings.TrimSpace(string(out))
}
