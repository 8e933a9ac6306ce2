// Command dist writes what is published of a version: an archive for each system, the checksums, and a formula for Homebrew.
//
// Its arguments are a directory and, if not all, the systems, as linux/amd64. It builds what is in the current directory, the
// root of the module. The same commit gives the same bytes with the same Go, in whatever directory and at whatever time.
package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

// systems are those for which there is an archive.
var systems = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

//go:embed ktask.rb.tmpl
var formula string

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("name a directory: dist DIRECTORY [SYSTEM...]"))
	}
	if given := os.Args[2:]; len(given) > 0 {
		fail(write(os.Args[1], given))
		return
	}
	fail(write(os.Args[1], systems))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// release is what is published.
type release struct {
	dir string
	// Version has no v.
	Version string
	// committed is the time of all files in archives.
	committed time.Time
	// Sums are the SHA-256 of the archives by their systems.
	Sums map[string]string
	// docs are the files that all archives have.
	docs []file
}

func write(dir string, systems []string) error {
	if err := clean(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	r := release{dir: dir, Sums: map[string]string{}}
	if err := r.describe(); err != nil {
		return err
	}
	var sums strings.Builder
	for _, system := range systems {
		name, content, err := r.archive(system)
		if err != nil {
			return err
		}
		r.Sums[system] = fmt.Sprintf("%x", sha256.Sum256(content))
		fmt.Fprintf(&sums, "%s  %s\n", r.Sums[system], name)
		if err := r.put(name, content); err != nil {
			return err
		}
	}
	if err := r.put("SHA256SUMS", []byte(sums.String())); err != nil {
		return err
	}
	if slices.ContainsFunc([]string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}, func(s string) bool { return r.Sums[s] == "" }) {
		return nil // the formula is for all of them
	}
	var text bytes.Buffer
	if err := template.Must(template.New("ktask.rb").Parse(formula)).Execute(&text, r); err != nil {
		return err
	}
	return r.put("ktask.rb", text.Bytes())
}

func (r *release) put(name string, content []byte) error {
	fmt.Printf("%10d %s\n", len(content), name)
	return os.WriteFile(filepath.Join(r.dir, name), content, 0o644)
}

// clean returns an error if the work tree is not as it was committed: what is published of a version must be what the commit has.
func clean() error {
	changed, err := output("git", "status", "--porcelain")
	if err == nil && len(changed) > 0 {
		err = fmt.Errorf("git is in a dirty state (commit, ignore or remove these changes):\n%s", bytes.TrimRight(changed, "\n"))
	}
	return err
}

// describe builds ktask for this machine, and asks it and git for what the archives say about it.
func (r *release) describe() error {
	temp, err := os.MkdirTemp("", "ktask-dist")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	binary := filepath.Join(temp, "ktask")
	if err := build(binary); err != nil {
		return err
	}
	text, err := output(binary, "version", "-o", "json")
	if err != nil {
		return err
	}
	var version struct{ Version string }
	if err := json.Unmarshal(text, &version); err != nil {
		return err
	}
	r.Version = strings.TrimPrefix(version.Version, "v")
	if text, err = output("git", "log", "-1", "--format=%cI"); err != nil {
		return err
	}
	if r.committed, err = time.Parse(time.RFC3339, strings.TrimSpace(string(text))); err != nil {
		return err
	}
	for _, name := range []string{"LICENSE", "README.md"} {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		r.docs = append(r.docs, file{name, 0o644, content})
	}
	for _, made := range []struct{ name, arguments string }{
		{"completions/ktask.bash", "completion bash"}, {"completions/_ktask", "completion zsh"}, {"completions/ktask.fish", "completion fish"},
		{"completions/ktask.ps1", "completion powershell"}, {"man/ktask.1", "man"},
	} {
		content, err := output(binary, strings.Fields(made.arguments)...)
		if err != nil {
			return err
		}
		r.docs = append(r.docs, file{made.name, 0o644, content})
	}
	return nil
}

// archive returns the archive of a system and its name.
func (r *release) archive(system string) (name string, content []byte, err error) {
	goos, arch, ok := strings.Cut(system, "/")
	if !ok {
		return "", nil, fmt.Errorf("%q is not a system: it must be like linux/amd64", system)
	}
	binary, pack, ending := "ktask", tarball, ".tar.gz"
	if goos == "windows" {
		binary, pack, ending = "ktask.exe", zipped, ".zip"
	}
	temp, err := os.MkdirTemp("", "ktask-dist")
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	built := filepath.Join(temp, binary)
	if err := build(built, "GOOS="+goos, "GOARCH="+arch); err != nil {
		return "", nil, err
	}
	program, err := os.ReadFile(built)
	if err != nil {
		return "", nil, err
	}
	name = fmt.Sprintf("ktask_%s_%s_%s", r.Version, goos, arch)
	content, err = pack(append([]file{{binary, 0o755, program}}, r.docs...), r.committed)
	return name + ending, content, err
}

// build builds ktask without what differs from machine to machine: paths, an id of the build, and cgo.
func build(binary string, env ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w -buildid=", "-o", binary, ".")
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=", "GOARM64="), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}

func output(name string, arguments ...string) ([]byte, error) {
	out, err := exec.Command(name, arguments...).Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, strings.Join(arguments, " "), err)
	}
	return out, nil
}

// download is what the formula says about the archive of a system.
type download struct{ Version, OS, Arch, Sum string }

// Of returns the archive of a system, for the formula.
func (r release) Of(goos, arch string) download {
	return download{r.Version, goos, arch, r.Sums[goos+"/"+arch]}
}
