package resolve

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/distribution/reference"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/runtimes"
	"github.com/ktask/ktask/spec"
)

// Pin returns a plan that runs only what a lock holds: images by digest or ID, and the scripts of URLs as files. script returns the
// script at a URL, and an error, which may be a *ScriptError, if its SHA-256 is another one. What is not in the lock is a problem, each once.
func Pin(p plan.Plan, l spec.Lock, script func(spec.LockedScript) ([]byte, error)) (plan.Plan, spec.Problems) {
	c := &collector{reported: map[spec.Problem]bool{}}
	p.Tasks = slices.Clone(p.Tasks)
	once := map[spec.LockedScript]func() ([]byte, error){}
	get := func(s spec.LockedScript) ([]byte, error) {
		if once[s] == nil {
			once[s] = sync.OnceValues(func() ([]byte, error) { return script(s) })
		}
		return once[s]()
	}
	for i, t := range p.Tasks {
		pinImage(c, &t.Container, l.Images)
		pinScript(c, &t, l.Scripts, get)
		p.Tasks[i] = t
	}
	if c.errors > 0 {
		return plan.Plan{}, c.problems()
	}
	return p, c.problems()
}

// ScriptError is why a script is not the one of a lock, with what to do about it.
type ScriptError struct {
	Err    error
	Remedy string
}

// Error returns the text of Err.
func (e *ScriptError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *ScriptError) Unwrap() error { return e.Err }

// lockAgain is the remedy for what is not in a lock.
const lockAgain = "run ktask lock with the same paths and flags"

// IsPinned reports whether the name of an image has a digest, so that it needs no lock.
func IsPinned(image string) bool {
	name, err := reference.ParseNormalizedNamed(image)
	_, digested := name.(reference.Digested)
	return err == nil && digested
}

func pinImage(c *collector, to *plan.Container, locked []spec.LockedImage) {
	if IsPinned(to.Image) {
		return
	}
	i := slices.IndexFunc(locked, func(l spec.LockedImage) bool { return l.Image == to.Image })
	if i < 0 {
		fail(c, to.ImageOrigin, "not-locked", lockAgain, "image %q is not in %s", to.Image, spec.LockName)
		return
	}
	l := locked[i]
	from := origin(l.Pos)
	if l.Digest == "" {
		to.Image, to.ImageOrigin = l.ID, from
		override(to, "pullPolicy", &to.PullPolicy, &Setting[plan.PullPolicy]{plan.PullNever, from}) // an ID is not a name
		return
	}
	to.Image, to.ImageOrigin = WithDigest(to.Image, l.Digest), from
}

// WithDigest returns the name of an image with a digest in place of its tag.
func WithDigest(image, digest string) string {
	last := strings.LastIndex(image, "/") + 1
	name, _, _ := strings.Cut(image[last:], ":")
	return image[:last] + name + "@" + digest
}

func pinScript(c *collector, t *plan.Task, locked []spec.LockedScript, script func(spec.LockedScript) ([]byte, error)) {
	url, ok := lockable(c, *t)
	if !ok {
		return
	}
	e := scriptOf(*t)
	i := slices.IndexFunc(locked, func(l spec.LockedScript) bool { return l.URL == url })
	if i < 0 {
		fail(c, e.Origin, "not-locked", lockAgain, "the script %q is not in %s", url, spec.LockName)
		return
	}
	content, err := script(locked[i])
	if err != nil {
		failure, _ := errors.AsType[*ScriptError](err)
		if failure == nil {
			failure = &ScriptError{Err: err}
		}
		fail(c, e.Origin, "not-locked", failure.Remedy, "the script %q of %s: %v", url, locked[i].Pos, failure.Err)
		return
	}
	runtime, _ := runtimes.ByName(t.Runtime)
	from := origin(locked[i].Pos)
	t.Container.Env = slices.Clone(t.Container.Env)
	e = scriptOf(*t)
	e.Value, e.Origin = plan.Plain(runtime.ScriptPath), from
	t.Container.Files = append(slices.Clone(t.Container.Files), plan.File{Path: runtime.ScriptPath, Mode: 0o644, Content: content, Origin: from})
}

// scriptOf returns the variable that names the script of a deno or python task, or nil.
func scriptOf(t plan.Task) *plan.EnvVar {
	if t.Runtime == plan.RuntimeContainer {
		return nil
	}
	i := slices.IndexFunc(t.Container.Env, func(e plan.EnvVar) bool { return e.Name == "SCRIPT" })
	if i < 0 {
		return nil
	}
	return &t.Container.Env[i]
}

// isRemote reports whether a task may get its script from elsewhere than a file of its container. Images differ in the schemes that
// they download, and in where a URL may begin.
func isRemote(t plan.Task) bool {
	e := scriptOf(t)
	if e == nil {
		return false
	}
	scheme, _, colon := strings.Cut(e.Value.String(), ":")
	return len(e.Value.Secrets()) > 0 || strings.Contains(e.Value.String(), "://") || colon && !strings.Contains(scheme, "/")
}

// webURL matches what both runtimes download.
var webURL = regexp.MustCompile(`^(?i:https?)://`)

// lockable returns the URL of a task's script. It is false if the task has its script, or if a lock cannot hold the URL, which it
// reports.
func lockable(c *collector, t plan.Task) (url string, ok bool) {
	if !isRemote(t) {
		return "", false
	}
	e, flaw := scriptOf(t), ""
	switch url = e.Value.String(); {
	case len(e.Value.Secrets()) > 0:
		flaw = "contains a secret"
	case !webURL.MatchString(url):
		flaw = "does not begin with http:// or https://"
	case strings.ContainsFunc(url, unicode.IsSpace):
		flaw = "contains blanks"
	default:
		return url, true
	}
	fail(c, e.Origin, "not-lockable", "write the code inline, or take it from a ConfigMap", "task %q: the URL of the script %s, so it cannot be locked", t.Name, flaw)
	return "", false
}

// Script is the URL of a script that a task downloads, and its place, if a manifest has it.
type Script struct {
	URL string
	Pos spec.Pos
}

// Scripts returns the scripts that the tasks of a plan download, each URL once, and the problems of those that cannot be locked.
func Scripts(p plan.Plan) (all []Script, problems spec.Problems) {
	c := &collector{reported: map[spec.Problem]bool{}}
	for _, t := range p.Tasks {
		url, ok := lockable(c, t)
		if ok && !slices.ContainsFunc(all, func(s Script) bool { return s.URL == url }) {
			all = append(all, Script{url, placeOf(scriptOf(t).Origin)})
		}
	}
	return all, c.problems()
}

// CheckOffline returns a problem for each script that a task would download.
func CheckOffline(p plan.Plan) spec.Problems {
	c := &collector{reported: map[spec.Problem]bool{}}
	for _, t := range p.Tasks {
		if isRemote(t) {
			fail(c, scriptOf(t).Origin, "offline", "run ktask lock with a network, and then with --locked --offline", "task %q downloads its script, which --offline forbids", t.Name)
		}
	}
	return c.problems()
}

// fail reports an error at an origin, which may be a flag.
func fail(c *collector, from plan.Origin, rule, remedy, format string, args ...any) {
	if from.Source != plan.SourceFile {
		format += " (%s)"
		args = append(args, from)
	}
	c.fail(placeOf(from), rule, remedy, format, args...)
}

// placeOf returns the place of an origin, if a manifest has it.
func placeOf(from plan.Origin) spec.Pos {
	if from.Source != plan.SourceFile {
		return spec.Pos{}
	}
	return spec.Pos{File: from.File, Line: from.Line, Column: from.Column, Field: from.Field}
}
