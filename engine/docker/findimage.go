package docker

import (
	"context"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/ktask/ktask/engine"
)

// FindImage inspects an image.
func (e *Engine) FindImage(ctx context.Context, ref, platform string) (engine.Image, bool, error) {
	facts, present, err := e.look(ctx, imageKey{ref, platform})
	if !present || err != nil {
		return engine.Image{}, false, err
	}
	found := engine.Image{Digest: facts.digest, ID: facts.id, Platform: facts.platform, Bytes: facts.bytes}
	// Docker with the image store of containerd has a digest for each image, too: the ID.
	found.OwnDigest = found.Digest != "" && (found.Digest == found.ID || e.isPodman())
	return found, true, nil
}

// digestIn returns the digest of an image among those of the repositories that have it, the first one in alphabetical order if the
// image's repository has several.
func digestIn(digests []string, ref string) string {
	name, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "" // an ID
	}
	if pinned, ok := name.(reference.Digested); ok {
		return pinned.Digest().String()
	}
	for _, d := range slices.Sorted(slices.Values(digests)) {
		repository, digest, _ := strings.Cut(d, "@")
		if other, err := reference.ParseNormalizedNamed(repository); err == nil && other.Name() == name.Name() {
			return digest
		}
	}
	return ""
}
