package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// advised explains a refusal that the image, the manifest, a flag or a limit has caused, or adds a remedy to it. The remedy
// depends on what was asked for and on the kind of the refusal.
func (a *attempt) advised(err error) error {
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != engine.EngineRefused {
		return err
	}
	if explained := cmp.Or(a.noSuchUser(err), a.badWorkingDir(err)); explained != nil {
		return explained
	}
	c := a.container
	switch {
	case cerrdefs.IsNotFound(err) && !slices.Contains([]string{"", "none", "host", "bridge"}, c.Network):
		failure.Remedy = engine.Remedy{Option: engine.OptionNetwork}
	case cerrdefs.IsInvalidArgument(err) && c.Limits.MemoryBytes > 0 && c.Limits.MemoryBytes < leastMemory:
		failure.Remedy = engine.Remedy{Text: "raise resources.limits.memory: the engine requires more"}
	case cerrdefs.IsInvalidArgument(err) && len(c.Mounts) > 0, slices.ContainsFunc(c.Mounts, names(err)):
		failure.Remedy = engine.Remedy{Option: engine.OptionMounts}
	}
	return err
}

// names returns a function that reports whether an error names the target of a mount. Engines answer a mount that their
// runtime rejects with an internal error, so only the text identifies it.
func names(err error) func(plan.Mount) bool {
	return func(m plan.Mount) bool { return strings.Contains(err.Error(), m.Target) }
}

// leastMemory is the lowest limit that Docker accepts, see linuxMinMemory of its daemon; older versions accept 4 MiB.
const leastMemory = 6 << 20

// unknownUser is what Docker and podman answer about a name that is not in the image's /etc/passwd or /etc/group.
var unknownUser = regexp.MustCompile(`unable to find (user|group) (.+?): no matching entries`)

// noSuchUser returns the error of a user or group that the image does not have, or nil. A manifest has numbers only, so the
// name is usually that of the image's USER.
func (a *attempt) noSuchUser(err error) error {
	found := unknownUser.FindStringSubmatch(err.Error())
	if found == nil {
		return nil
	}
	file := map[string]string{"user": "/etc/passwd", "group": "/etc/group"}[found[1]]
	return &engine.Error{
		Reason: engine.UserNotFound,
		Err:    fmt.Errorf("%s %q is not in %s of image %q", found[1], found[2], file, a.container.Image),
		Remedy: engine.Remedy{Text: "set securityContext.runAsUser and runAsGroup to numbers, or repair the image"},
	}
}

// workingDirPhrases are what Docker, podman, runc and crun write about a working directory, in lower case.
var workingDirPhrases = []string{"cannot mkdir: ", `workdir "`, " workdir: ", "chdir to "}

// pathReasons are texts of the C library for a path that cannot be used.
var pathReasons = []string{
	"not a directory", "permission denied", "file name too long", "too many levels of symbolic links", "read-only file system",
	"no such file or directory",
}

// badWorkingDir returns the error of a working directory that the engine can neither create nor enter, or nil. The text is
// either about the working directory by its words, or about an operation on its path.
func (a *attempt) badWorkingDir(err error) error {
	dir, of := a.container.WorkingDir, ""
	if dir == "" {
		dir, of = a.image.workingDir, fmt.Sprintf(" of image %q", a.container.Image)
	}
	text := strings.ToLower(err.Error())
	about := func(phrase string) bool { return strings.Contains(text, phrase) }
	on := regexp.MustCompile(`(?:mkdir|lstat|stat) \S*` + regexp.QuoteMeta(strings.ToLower(path.Clean(dir))) + `: `)
	if path.Clean("/"+dir) == "/" || !slices.ContainsFunc(workingDirPhrases, about) && !on.MatchString(text) {
		return nil
	}
	i := slices.IndexFunc(pathReasons, about)
	if i < 0 {
		return nil
	}
	return &engine.Error{
		Reason: engine.WorkingDirUnusable,
		Err:    fmt.Errorf("the working directory %q%s cannot be used: %s", dir, of, pathReasons[i]),
		Remedy: engine.Remedy{Text: "set workingDir to a directory that the task's user may enter, or to one that does not exist yet, which the engine creates"},
	}
}

// removedByOthers returns the error of a container that something else has removed if that is the cause of a refusal,
// else err.
func (a *attempt) removedByOthers(ctx context.Context, err error) error {
	if !hasReason(err, engine.EngineRefused) {
		return err
	}
	found, failure := a.state(context.WithoutCancel(ctx))
	if cerrdefs.IsNotFound(failure) || failure == nil && isGoing(found) {
		return a.wasRemoved()
	}
	return err
}

// isGoing reports whether a container is being removed.
func isGoing(found container.InspectResponse) bool {
	return found.State.Dead || found.State.Status == container.StateRemoving
}

func (a *attempt) wasRemoved() error {
	return &engine.Error{
		Reason: engine.ContainerRemoved,
		Err:    fmt.Errorf("something else has removed container %q while the task needed it", a.request.name),
		Remedy: engine.Remedy{Text: "find out what removes containers on this engine, such as a cleanup job, `docker rm` or `ktask clean`"},
	}
}
