package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"

	"github.com/ktask/ktask/engine/plan"
)

// Identify returns what identifies the content of a container's image: its digest in the registry of its name, or "" if the engine
// knows none, and its ID. The error is an *engine.Error.
func (e *Engine) Identify(ctx context.Context, c plan.Container) (digest, id string, err error) {
	var found image.InspectResponse
	err = e.do(ctx, fmt.Sprintf("look for image %q", c.Image), once, func(ctx context.Context) error {
		found, err = e.client.ImageInspect(ctx, c.Image)
		return err
	})
	switch {
	case cerrdefs.IsNotFound(err), err == nil && c.Platform != "" && !fits(c.Platform, found):
		return "", "", imageMissing(c.Image)
	case err != nil:
		return "", "", err
	}
	return digestIn(found.RepoDigests, c.Image), found.ID, nil
}

// digestIn returns the digest of an image among those of the repositories that have it, the first one in alphabetical order if the
// image's repository has several.
func digestIn(digests []string, ref string) string {
	name, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "" // an ID
	}
	for _, d := range slices.Sorted(slices.Values(digests)) {
		repository, digest, _ := strings.Cut(d, "@")
		if other, err := reference.ParseNormalizedNamed(repository); err == nil && other.Name() == name.Name() {
			return digest
		}
	}
	return ""
}
