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
	"github.com/ktask/ktask/spec"
)

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

// Settle compares the images of a plan that resolve.Pin has pinned with those of the engine. before is the plan with their names. An
// image that the lock knows by its ID alone is a problem if it is another build now. An image that has lost its digest, because it
// was saved and loaded, runs by its ID.
func Settle(ctx context.Context, before, pinned plan.Plan, l spec.Lock, e engine.Engine) (plan.Plan, spec.Problems, error) {
	finder, ok := e.(engine.ImageFinder)
	if !ok {
		return pinned, nil, nil // it refuses IDs itself
	}
	var problems spec.Problems
	pinned.Tasks = slices.Clone(pinned.Tasks)
	checked := map[string]bool{}
	for at, t := range before.Tasks {
		i := slices.IndexFunc(l.Images, func(i spec.LockedImage) bool { return i.Image == t.Container.Image })
		if i < 0 {
			continue
		}
		switch image, to := l.Images[i], &pinned.Tasks[at].Container; {
		case image.Digest == "" && !checked[image.Image]:
			checked[image.Image] = true
			problem, err := checkID(ctx, finder, t.Container, image)
			if err != nil {
				return pinned, nil, err
			} else if problem != nil {
				problems = append(problems, *problem)
			}
		case image.Digest != "" && image.ID != "" && to.PullPolicy != plan.PullAlways:
			if err := preferPresent(ctx, finder, to, image.ID); err != nil {
				return pinned, nil, err
			}
		}
	}
	return pinned, problems, nil
}

// changed is the remedy for what is another one than the lock has.
const changed = "if it is to change, run ktask lock"

// checkID returns a problem if an image is not the build that is locked.
func checkID(ctx context.Context, e engine.ImageFinder, c plan.Container, locked spec.LockedImage) (*spec.Problem, error) {
	p := spec.Problem{Pos: locked.Pos, Severity: spec.Error, Rule: "not-locked"}
	found, present, err := e.FindImage(ctx, c.Image, c.Platform)
	switch {
	case err != nil:
		return nil, err
	case !present:
		p.Message = fmt.Sprintf("image %q is not on the engine, and no registry has the build that is locked", locked.Image)
		p.Remedy = "build or load it again, then run ktask lock"
	case found.ID == locked.ID:
		return nil, nil
	default:
		p.Message = fmt.Sprintf("image %q has changed: its ID is now %s", locked.Image, found.ID)
		p.Remedy = changed
	}
	return &p, nil
}

// preferPresent replaces the image of a container by its ID if the engine has only that. If the engine has neither, the run reports
// it.
func preferPresent(ctx context.Context, e engine.ImageFinder, c *plan.Container, id string) error {
	_, present, err := e.FindImage(ctx, c.Image, c.Platform)
	if err != nil || present {
		return err
	}
	_, present, err = e.FindImage(ctx, id, c.Platform)
	if present {
		c.Image, c.PullPolicy = id, plan.PullNever // an ID is not a name
	}
	return err
}
