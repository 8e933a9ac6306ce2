package local

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// MakeLock returns a lock of the images and scripts of a plan as they are now. It pulls images according to their pull policies, and
// downloads the scripts. progress is called with the name of an image or the URL of a script, and what is done with it.
func MakeLock(ctx context.Context, p plan.Plan, e engine.Engine, s Scripts, progress func(name, status string)) (spec.Lock, error) {
	var l spec.Lock
	finder, ok := e.(engine.ImageFinder)
	if !ok {
		return l, errors.New("the engine reports no images")
	}
	scripts, problems := resolve.Scripts(p)
	if err := problems.Err(); err != nil {
		return l, err
	}
	for _, t := range p.Tasks {
		c := t.Container
		has := func(i spec.LockedImage) bool { return i.Image == c.Image }
		if resolve.IsPinned(c.Image) || slices.ContainsFunc(l.Images, has) {
			continue
		}
		locked, err := lockImage(ctx, e, finder, c, progress)
		if err != nil {
			return l, err
		}
		l.Images = append(l.Images, locked)
	}
	for _, script := range scripts {
		progress(script.URL, "downloading")
		content, err := s.Download(ctx, script.URL)
		if err != nil {
			problems = append(problems, spec.Problem{Pos: script.Pos, Severity: spec.Error, Rule: "not-lockable", Message: fmt.Sprintf("script %q: %v", script.URL, err)})
			continue
		}
		l.Scripts = append(l.Scripts, spec.LockedScript{URL: script.URL, SHA256: sumOf(content)})
	}
	return l, problems.Err()
}

// lockImage makes the image of a container available and returns what a lock has for it. A digest that the engine may have made
// itself counts if a pull shows that the registry has it.
func lockImage(ctx context.Context, e engine.Engine, finder engine.ImageFinder, c plan.Container, progress func(name, status string)) (spec.LockedImage, error) {
	locked, pulled := spec.LockedImage{Image: c.Image}, false
	err := e.Prepare(ctx, c, engine.SinkFunc(func(event engine.Event) {
		if p, ok := event.(engine.ImageProgress); ok {
			pulled = true
			progress(c.Image, p.Status)
		}
	}))
	if err != nil {
		return locked, err
	}
	found, present, err := finder.FindImage(ctx, c.Image, c.Platform)
	switch {
	case err != nil:
		return locked, err
	case !present:
		return locked, &engine.Error{Reason: engine.ImageNotFound, Err: fmt.Errorf("image %q is not on the engine any more", c.Image)}
	}
	locked.Digest, locked.ID = found.Digest, found.ID
	if !found.OwnDigest || pulled {
		return locked, nil
	}
	has, err := registryHas(ctx, e, c, found.Digest, progress)
	if !has {
		locked.Digest = ""
	}
	return locked, err
}

// registryHas reports whether the image of a container can be pulled by a digest, which it tries unless the container's pull policy
// is Never.
func registryHas(ctx context.Context, e engine.Engine, c plan.Container, digest string, progress func(name, status string)) (bool, error) {
	if c.PullPolicy != plan.PullNever {
		progress(c.Image, "asking the registry for "+digest)
		byDigest := c
		byDigest.Image, byDigest.PullPolicy = resolve.WithDigest(c.Image, digest), plan.PullAlways
		err := e.Prepare(ctx, byDigest, engine.SinkFunc(func(engine.Event) {}))
		failure, ok := errors.AsType[*engine.Error](err)
		if err == nil || !ok || !slices.Contains([]engine.Reason{engine.ImageNotFound, engine.ImageUnauthorized, engine.ImagePullFailed}, failure.Reason) {
			return err == nil, err
		}
	}
	progress(c.Image, "locked by its ID: whether its registry has "+digest+" is not known")
	return false, nil
}
