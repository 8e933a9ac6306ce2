package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// boundary is the directory of a .ktask.yaml, with links resolved. Settings that only concern files in it, except git's in
// .git, are accepted like the commands of a Makefile there. Settings that reach outside are accepted if the user has given
// them on the command line or with `ktask trust`. The boundary is not git's work tree: an archive that is unpacked in a home
// directory that is a work tree must not reach the home directory.
type boundary string

func newBoundary(dir string) (boundary, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	dir, err = filepath.EvalSymlinks(dir)
	return boundary(dir), err
}

// extent is how far a value reaches.
type extent int

const (
	inside extent = iota
	outside
	// through is a path that looks inside but leads outside, or that cannot be resolved. It is not accepted even if the file
	// is trusted: a link can change while the file stays the same.
	through
)

// pathKeys are the keys whose values are paths.
var pathKeys = []string{"paths", "params-file", "secret-file", "junit", "report", "html", "log-dir"}

// reach is a value that reaches outside of the directory.
type reach struct {
	key, text string
	at        spec.Pos
	through   bool
}

// reaches returns the values of a setting that reach outside of the directory.
func (b boundary) reaches(setting spec.Setting) []reach {
	var all []reach
	for i, text := range setting.Values {
		extent := b.extent(setting.Key, text)
		if extent == inside {
			continue
		}
		all = append(all, reach{key: setting.Key, text: text, at: setting.Places[i], through: extent == through})
	}
	return all
}

func (b boundary) extent(key, text string) extent {
	far := false
	if slices.Contains(pathKeys, key) {
		return b.path(text)
	}
	switch key {
	case "secret":
		return b.secret(text)
	case "mount":
		if source, _, ok := splitMount(strings.TrimSuffix(text, ":ro")); ok && b.path(source) == through {
			return through
		}
		far = true
	case "allow":
		far = true
	case "keep":
		far = text == "failed" || text == "always"
	case "host", "docker-context", "kubeconfig", "kube-context", "kube-namespace": // a kubeconfig can name programs to run
		far = text != ""
	case "engine":
		far = !slices.Contains([]string{"", "docker"}, text)
	case "compose":
		far = text != ""
	case "network":
		far = !slices.Contains([]string{"", "none", "bridge"}, text)
	case "pids-limit":
		n, err := strconv.ParseInt(text, 10, 64) // anything else is refused later
		far = err == nil && (n < 1 || n > resolve.DefaultPids)
	}
	if far {
		return outside
	}
	return inside
}

// secret returns the extent of NAME[/KEY]=VALUE.
func (b boundary) secret(text string) extent {
	_, word, _ := strings.Cut(text, "=")
	if strings.HasPrefix(word, "env:") {
		return outside
	}
	if file, ok := strings.CutPrefix(word, "@"); ok {
		return b.path(file)
	}
	return inside
}

// path returns the extent of a file name, as it is written and after its links have been resolved.
func (b boundary) path(name string) extent {
	if name == "" || name == "-" {
		return inside
	}
	if goesBack(name) {
		return through // a/../b is not b if a is a link
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(string(b), name)
	}
	if !b.holds(name) {
		return outside
	}
	if real, err := followed(name); err != nil || !b.holds(real) {
		return through
	}
	return inside
}

// goesBack reports whether a path has .. after another element.
func goesBack(name string) bool {
	elements := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == filepath.Separator })
	down := filepath.IsAbs(name)
	for _, e := range elements {
		if e == ".." && down {
			return true
		}
		down = down || e != ".." && e != "."
	}
	return false
}

func (b boundary) holds(name string) bool {
	rel, ok := local.Within(string(b), name)
	git := func(element string) bool {
		return strings.EqualFold(element, ".git") || strings.EqualFold(element, "git~1")
	}
	return ok && !slices.ContainsFunc(strings.Split(filepath.ToSlash(rel), "/"), git)
}

// followed returns an absolute path with its links resolved. Its last elements need not exist, but no link may lead to what
// does not exist: a file that is written there would create the link's target.
func followed(name string) (string, error) {
	real, err := filepath.EvalSymlinks(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if _, err := os.Lstat(name); err == nil {
		return "", errors.New("a link to a file that does not exist")
	}
	parent := filepath.Dir(name)
	if parent == name {
		return name, nil
	}
	if real, err = followed(parent); err != nil {
		return "", err
	}
	return filepath.Join(real, filepath.Base(name)), nil
}

// String returns the key and the value. It does not show the value of a secret, which may be the secret itself.
func (r reach) String() string {
	if r.key == "secret" {
		if _, word, _ := strings.Cut(r.text, "="); strings.HasPrefix(word, "env:") {
			return "secret (a variable)"
		}
		return "secret (a file)"
	}
	const most = 200
	text := concealed(r.key, r.text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return fmt.Sprintf("%s %q", r.key, text)
}

// whole returns the key and the value like String, but without a limit, and with what a secret is read from if that exists:
// it is not a literal then.
func (r reach) whole(dir boundary) string {
	if r.key != "secret" {
		return fmt.Sprintf("%s %q", r.key, concealed(r.key, r.text))
	}
	_, word, _ := strings.Cut(r.text, "=")
	name := fmt.Sprintf("secret %q", secretName(r.text))
	if variable, ok := strings.CutPrefix(word, "env:"); ok {
		if _, set := os.LookupEnv(variable); set {
			return fmt.Sprintf("%s (the variable %q)", name, variable)
		}
		return name + " (a variable)"
	}
	file := strings.TrimPrefix(word, "@")
	if !filepath.IsAbs(file) {
		file = filepath.Join(string(dir), file)
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Sprintf("%s (the file %q)", name, file)
	}
	return name + " (a file)"
}

func (r reach) problem() spec.Problem {
	p := spec.Problem{Pos: r.at, Severity: spec.Error, Rule: "untrusted", Sensitive: true}
	typed := "give --" + r.key + " on the command line"
	if r.key == "paths" {
		typed = "name it as an argument"
	}
	if r.through {
		p.Message = r.String() + ": leads outside of this directory through a link or .. in the middle, or cannot be resolved"
		p.Remedy = "name its target, or " + typed
		return p
	}
	p.Message = r.String() + ": reaches outside of this directory"
	switch r.key {
	case "allow":
		p.Message = r.String() + ": lets tasks out of their container"
	case "keep":
		p.Message = r.String() + ": leaves containers on the engine that hold what the tasks were given"
	case "pids-limit":
		p.Message = r.String() + ": is above the default, which protects this machine"
	}
	p.Remedy = typed + ", or accept this file once with: ktask trust"
	return p
}
