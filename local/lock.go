package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// identifier is an engine that can identify the content of a container's image, which Prepare has made available.
type identifier interface {
	// Identify returns the digest of the image in its registry, or "" if the engine knows none, and the ID on this engine.
	Identify(ctx context.Context, c plan.Container) (digest, id string, err error)
}

// MakeLock returns a lock of the images and scripts of a plan as they are now. It pulls images according to their pull policies, and
// downloads the scripts.
func MakeLock(ctx context.Context, p plan.Plan, e engine.Engine, s Scripts) (spec.Lock, error) {
	var l spec.Lock
	known, ok := e.(identifier)
	if !ok {
		return l, errors.New("this engine does not identify images")
	}
	urls, problems := resolve.ScriptURLs(p)
	if err := problems.Err(); err != nil {
		return l, err
	}
	for _, t := range p.Tasks {
		c := t.Container
		has := func(i spec.LockedImage) bool { return i.Image == c.Image }
		if resolve.IsPinned(c.Image) || slices.ContainsFunc(l.Images, has) {
			continue
		}
		if err := e.Prepare(ctx, c, engine.SinkFunc(func(engine.Event) {})); err != nil {
			return l, err
		}
		digest, id, err := known.Identify(ctx, c)
		if err != nil {
			return l, err
		}
		if digest != "" {
			id = ""
		}
		l.Images = append(l.Images, spec.LockedImage{Image: c.Image, Digest: digest, ID: id})
	}
	for _, url := range urls {
		content, err := s.Download(ctx, url)
		if err != nil {
			return l, fmt.Errorf("script %q: %w", url, err)
		}
		l.Scripts = append(l.Scripts, spec.LockedScript{URL: url, SHA256: sumOf(content)})
	}
	return l, nil
}

// ReadLock reads a lock file. It must be a regular file and not a link: what is locked is in the file that is reviewed.
func ReadLock(name string) (spec.Lock, spec.File, spec.Problems, error) {
	f := spec.File{Name: name, Named: true}
	if err := checkLockFile(name); err != nil {
		return spec.Lock{}, f, nil, err
	}
	var err error
	if f.Data, err = ReadFile(name, maxLock); err != nil {
		return spec.Lock{}, f, nil, err
	}
	l, problems := spec.ReadLock(f)
	return l, f, problems, nil
}

// WriteLock writes a lock file. changed is false if the file has this content already.
func WriteLock(name string, l spec.Lock) (changed bool, err error) {
	err = checkLockFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, err
	default:
		if now, err := ReadFile(name, maxLock); err == nil && string(now) == l.String() {
			return false, nil
		}
	}
	return true, WithoutPath(WriteFile(name, []byte(l.String())))
}

// checkLockFile returns an error if a lock file is missing or not a regular file.
func checkLockFile(name string) error {
	info, err := os.Lstat(name)
	switch {
	case err != nil:
		return WithoutPath(err)
	case info.Mode()&fs.ModeSymlink != 0:
		return errors.New("a link is not followed (replace it with the file)")
	}
	return regular(info)
}

// maxLock is the size limit of a lock file, in bytes.
const maxLock = 16 << 20

// CheckIDs returns a problem for each image of a plan, before it is pinned, that the lock identifies by the ID of a build, and that
// is another build now.
func CheckIDs(ctx context.Context, p plan.Plan, l spec.Lock, e engine.Engine) (spec.Problems, error) {
	known, ok := e.(identifier)
	if !ok {
		return nil, nil // its images have digests, or it refuses an ID
	}
	var problems spec.Problems
	for _, i := range l.Images {
		at := slices.IndexFunc(p.Tasks, func(t plan.Task) bool { return t.Container.Image == i.Image })
		if i.ID == "" || at < 0 {
			continue
		}
		_, id, err := known.Identify(ctx, p.Tasks[at].Container)
		missing, _ := errors.AsType[*engine.Error](err)
		problem := spec.Problem{Pos: i.Pos, Severity: spec.Error, Rule: "not-locked"}
		switch {
		case missing != nil && missing.Reason == engine.ImageNotFound:
			problem.Message = fmt.Sprintf("image %q is not on the engine, and no registry has the build that is locked", i.Image)
			problem.Remedy = "build or load it again, then run ktask lock"
		case err != nil:
			return nil, err
		case id == i.ID:
			continue
		default:
			problem.Message = fmt.Sprintf("image %q has changed: its ID is now %s", i.Image, id)
			problem.Remedy = "if it is to change, run ktask lock"
		}
		problems = append(problems, problem)
	}
	return problems, nil
}
