package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/registry"

	"github.com/ktask/ktask/engine"
)

// refusal returns the error of a pull that the registry refuses or does not answer. If the registry refuses at once, the
// engine returns a status code; if it refuses later, the engine passes on the registry's text. The phrases are those of the
// error codes of the OCI distribution specification, as registries word them, and those of Docker and podman for a status
// without such a code. Registries may answer for an unknown repository as they do for missing credentials.
func refusal(key imageKey, domain string, l login, err error) error {
	words := l.scrub(words{err}.Error())
	text := strings.ToLower(words)
	contains := func(phrases ...string) bool {
		for _, phrase := range phrases {
			if strings.Contains(text, phrase) {
				return true
			}
		}
		return false
	}
	failure := &engine.Error{Err: fmt.Errorf("pull image %q%s: %s", key.ref, forPlatform(key.platform), words)}
	login := fmt.Sprintf("docker login %s", domain)
	switch {
	case contains("toomanyrequests", "too many requests", "rate limit", " 429 "):
		failure.Reason = engine.ImagePullFailed
		failure.Remedy = engine.Remedy{Text: "wait until the registry's limit allows it again", Option: engine.OptionImage}
		if l.source == "" {
			failure.Remedy.Text = login + " (the limit may be higher for users), or wait until it allows the pull again"
		}
	case contains("no matching manifest", "does not provide the specified platform", "does not match the specified platform", "no image found in image index for architecture"):
		failure.Reason = engine.ImageNotFound
		failure.Remedy = engine.Remedy{Text: "use an image that is built for this platform", Option: engine.OptionPlatform}
	case cerrdefs.IsPermissionDenied(err), contains("denied: ", "access denied", "is denied", "forbidden", " 403 "):
		failure.Reason = engine.ImageUnauthorized
		failure.Remedy = engine.Remedy{Text: login + ", or correct the name of the image"}
		if l.source != "" {
			failure.Remedy.Text = "correct the name of the image, or ask for the right to pull it with these credentials"
		}
	case cerrdefs.IsUnauthorized(err), contains("unauthorized", "no basic auth credentials", "authentication required"):
		failure.Reason = engine.ImageUnauthorized
		failure.Remedy = engine.Remedy{Text: login + ", or correct the name of the image"}
		if l.source != "" {
			failure.Remedy.Text = l.renewal
		}
	case cerrdefs.IsNotFound(err), contains("manifest unknown", "name unknown", "not found"):
		failure.Reason = engine.ImageNotFound
		failure.Remedy = engine.Remedy{Text: "correct the name or the tag of the image"}
	default:
		failure.Reason = engine.ImagePullFailed
		failure.Remedy = reachable(domain)
	}
	return failure
}

func reachable(domain string) engine.Remedy {
	return engine.Remedy{Text: fmt.Sprintf("check that the engine can reach the registry %s", domain)}
}

// passingPhrases are what engines write, in lower case, about failures of a registry or a network that may pass.
var passingPhrases = []string{
	errStalled.Error(), "i/o timeout", "handshake timeout", "client.timeout exceeded", "connection reset by peer", "unexpected eof",
	"500 internal server error", "502 bad gateway", "503 service unavailable", "504 gateway time",
}

// passes reports whether a pull that failed may succeed when it is tried again.
func passes(err error) bool {
	if hasReason(err, engine.EngineUnavailable) {
		return true
	}
	text := strings.ToLower(err.Error())
	for _, phrase := range passingPhrases {
		if strings.Contains(text, phrase) {
			return hasReason(err, engine.ImagePullFailed)
		}
	}
	return false
}

// failure returns the error of the last login, with what else helps the user: the sources of the credentials that were
// refused, or the platforms that the image is built for.
func (p *pull) failure(ctx context.Context) error {
	refused, ok := errors.AsType[*engine.Error](p.err)
	if !ok {
		return p.err
	}
	detail := ""
	switch {
	case refused.Remedy.Option == engine.OptionPlatform:
		if platforms := p.platforms(ctx); len(platforms) > 0 {
			detail = "it is built for " + strings.Join(platforms, ", ")
			refused.Remedy.Value = platforms[0]
		}
	case refused.Reason != engine.ImageUnauthorized && refused.Reason != engine.ImageNotFound:
	case len(p.sources()) > 0:
		detail = "tried the credentials of " + strings.Join(p.sources(), ", ")
	case refused.Reason == engine.ImageUnauthorized:
		detail = "there are no credentials for " + p.domain
	}
	if detail != "" {
		refused.Err = fmt.Errorf("%w (%s)", refused.Err, detail)
	}
	return refused
}

// platforms returns the platforms that the image is built for, or nil if the registry does not tell them.
func (p *pull) platforms(ctx context.Context) []string {
	header, err := p.tried[len(p.tried)-1].header()
	if err != nil {
		return nil
	}
	var found registry.DistributionInspect
	err = p.do(ctx, "ask the registry for the platforms", once, func(ctx context.Context) (err error) {
		found, err = p.client.DistributionInspect(ctx, p.key.ref, header)
		return err
	})
	if err != nil {
		return nil
	}
	var all []string
	for _, platform := range found.Platforms {
		if platform.OS == "" || platform.OS == "unknown" { // an attestation, which is not an image
			continue
		}
		text := platform.OS + "/" + platform.Architecture
		if platform.Variant != "" {
			text += "/" + platform.Variant
		}
		all = append(all, text)
	}
	return all
}
