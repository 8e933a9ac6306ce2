package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// imageKey identifies an image: containers with the same key need the same image.
type imageKey struct{ ref, platform string }

// imageFacts describe an image that the engine has.
type imageFacts struct {
	id string
	// digest is that of the manifest in the registry of the image's name, or "" if the engine has none.
	digest string
	// architecture is what the image is built for, as a GOARCH.
	architecture string
	// platform is "os/arch[/variant]", and bytes is the size.
	platform string
	bytes    int64
	user     string
	// stopSignal is empty if the image names none.
	stopSignal string
	workingDir string
	// entrypoint, cmd and env are the image's own.
	entrypoint, cmd, env []string
}

// imageStore caches the images that the engine is known to have, and lets concurrent callers share the pull of an image. The
// zero value is ready for use.
type imageStore struct {
	mu    sync.Mutex
	facts map[imageKey]imageFacts
	pulls map[pullKey]*sharedPull
}

// Prepare waits for the compose project that the container joins. Then it looks the image up, once for all containers that use
// it, and pulls it if the policy requires it. Containers that need the same pull at the same time share it, and the sink of each
// gets its progress.
func (e *Engine) Prepare(ctx context.Context, c plan.Container, sink engine.Sink) error {
	if err := e.mountsParts(ctx, c); err != nil {
		return err
	}
	if c.Compose != "" {
		if _, err := e.joinProject(ctx, c.Compose); err != nil {
			return err
		}
	}
	key := imageKey{c.Image, c.Platform}
	if c.PullPolicy == plan.PullAlways {
		err := e.pullAndLook(ctx, c, sink)
		if failure, ok := errors.AsType[*engine.Error](err); ok && failure.Reason == engine.ImagePullFailed {
			if _, present, _ := e.look(ctx, key); present {
				failure.Remedy.Option = engine.OptionPull
			}
		}
		return err
	}
	if _, known := e.images.known(key); known {
		return nil
	}
	found, present, err := e.look(ctx, key)
	switch {
	case err != nil || present:
		return err
	case c.PullPolicy == plan.PullNever && found.platform != "":
		failure := otherPlatform(key, found.platform)
		failure.Err = fmt.Errorf("%w, and its pull policy is Never", failure.Err)
		return failure
	case c.PullPolicy == plan.PullNever:
		return &engine.Error{
			Reason: engine.ImageNotFound,
			Err:    fmt.Errorf("image %q%s is not on the engine, and its pull policy is Never", c.Image, forPlatform(c.Platform)),
			Remedy: engine.Remedy{Text: fmt.Sprintf("docker pull %s, or build it", c.Image), Option: engine.OptionOffline},
		}
	}
	return e.pullAndLook(ctx, c, sink)
}

// pullAndLook pulls an image and caches its facts.
func (e *Engine) pullAndLook(ctx context.Context, c plan.Container, sink engine.Sink) error {
	key := imageKey{c.Image, c.Platform}
	secrets := pullLogins(c)
	pull := func(ctx context.Context, sink engine.Sink) error { return e.pull(ctx, key, secrets, sink) }
	if err := e.images.share(ctx, pullKey{key, secrets.key()}, pull, sink); err != nil {
		return err
	}
	found, present, err := e.look(ctx, key)
	switch {
	case err != nil || present:
		return err
	case found.platform != "": // old engines pull it all the same
		return otherPlatform(key, found.platform)
	}
	return &engine.Error{
		Reason: engine.ImageNotFound,
		Err:    fmt.Errorf("image %q%s was pulled, but is not on the engine", key.ref, forPlatform(key.platform)),
		Remedy: engine.Remedy{Text: "find out what removes it, such as `docker image prune`"},
	}
}

// otherPlatform returns the error of an image that the engine has for another platform than the requested one.
func otherPlatform(key imageKey, has string) *engine.Error {
	return &engine.Error{
		Reason: engine.ImageNotFound,
		Err:    fmt.Errorf("image %q on the engine is built for %s, not for %s", key.ref, has, key.platform),
		Remedy: engine.Remedy{Text: "use an image that is built for this platform", Option: engine.OptionPlatform, Value: has},
	}
}

// look asks the engine for an image and caches its facts. An image of another platform than the requested one counts as missing,
// because a pull may fetch the right one; its facts are returned and not cached.
func (e *Engine) look(ctx context.Context, key imageKey) (facts imageFacts, present bool, err error) {
	var found image.InspectResponse
	err = e.do(ctx, fmt.Sprintf("look for image %q", key.ref), once, func(ctx context.Context) error {
		found, err = e.client.ImageInspect(ctx, key.ref)
		return err
	})
	switch {
	case cerrdefs.IsNotFound(err):
		return facts, false, nil
	case err != nil:
		return facts, false, err
	}
	facts = factsOf(key.ref, found)
	if key.platform != "" && !fits(key.platform, found) {
		return facts, false, nil
	}
	e.images.remember(key, facts)
	return facts, true, nil
}

// fits reports whether an image is built for a platform, "os/arch[/variant]".
func fits(platform string, found image.InspectResponse) bool {
	parts := append(strings.SplitN(strings.ToLower(platform), "/", 3), "", "")
	return parts[0] == found.Os && (parts[1] == "" || parts[1] == found.Architecture) &&
		(parts[2] == "" || found.Variant == "" || parts[2] == found.Variant)
}

func factsOf(ref string, found image.InspectResponse) imageFacts {
	facts := imageFacts{id: found.ID, digest: digestIn(found.RepoDigests, ref), architecture: found.Architecture, bytes: found.Size}
	facts.platform = strings.TrimSuffix(found.Os+"/"+found.Architecture+"/"+found.Variant, "/")
	if found.Config != nil {
		facts.user, facts.stopSignal, facts.workingDir = found.Config.User, found.Config.StopSignal, found.Config.WorkingDir
		facts.entrypoint, facts.cmd, facts.env = found.Config.Entrypoint, found.Config.Cmd, found.Config.Env
	}
	return facts
}

func forPlatform(platform string) string {
	if platform == "" {
		return ""
	}
	return " for " + platform
}

// imageOf returns the facts of a container's image. It looks the image up if Prepare has not.
func (e *Engine) imageOf(ctx context.Context, c plan.Container) (imageFacts, error) {
	key := imageKey{c.Image, c.Platform}
	if facts, known := e.images.known(key); known {
		return facts, nil
	}
	facts, present, err := e.look(ctx, key)
	switch {
	case err != nil || present:
		return facts, err
	case facts.platform != "":
		return facts, otherPlatform(key, facts.platform)
	}
	return facts, imageMissing(c.Image)
}

// imageGone returns an error if it is the image of a container that the engine did not find, else nil. A network or a volume
// may be missing as well, and the answer to create names the kind of thing in its text alone.
func (e *Engine) imageGone(ctx context.Context, c plan.Container) error {
	key := imageKey{c.Image, c.Platform}
	_, found := e.images.known(key)
	if _, present, err := e.look(context.WithoutCancel(ctx), key); err != nil || present {
		return nil
	}
	e.images.forget(key)
	if !found {
		return imageMissing(c.Image)
	}
	return &engine.Error{
		Reason: engine.ImageNotFound,
		Err:    fmt.Errorf("image %q was removed from the engine after ktask had found it there", c.Image),
		Remedy: engine.Remedy{Text: fmt.Sprintf("find out what removes it, such as `docker image prune`; then docker pull %s, or build it", c.Image)},
	}
}

// imageMissing returns the error of an image that was not prepared and that the engine does not have.
func imageMissing(ref string) error {
	return &engine.Error{
		Reason: engine.ImageNotFound,
		Err:    fmt.Errorf("image %q is not on the engine", ref),
		Remedy: engine.Remedy{Text: fmt.Sprintf("docker pull %s, or build it", ref)},
	}
}

func (s *imageStore) known(key imageKey) (imageFacts, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	facts, ok := s.facts[key]
	return facts, ok
}

func (s *imageStore) remember(key imageKey, facts imageFacts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.facts == nil {
		s.facts = map[imageKey]imageFacts{}
	}
	s.facts[key] = facts
}

// forget removes an image from the cache: it turned out to be gone.
func (s *imageStore) forget(key imageKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.facts, key)
}
