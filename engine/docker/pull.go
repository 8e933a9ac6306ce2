package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker/endpoint"
)

// pull pulls an image from its registry. The error is an *engine.Error, or the cause of ctx.
func (e *Engine) pull(ctx context.Context, key imageKey, sink engine.Sink) error {
	name, err := reference.ParseNormalizedNamed(key.ref)
	if err != nil {
		return &engine.Error{
			Reason: engine.ImageNotFound,
			Err:    fmt.Errorf("image %q cannot be on any registry: %w", key.ref, err),
			Remedy: engine.Remedy{Text: "correct the name of the image"},
		}
	}
	auth, err := endpoint.Credentials(e.configDir, name)
	if err != nil {
		return &engine.Error{
			Reason: engine.ImagePullFailed,
			Err:    fmt.Errorf("pull image %q: %w", key.ref, err),
			Remedy: remedyOf(err, engine.Remedy{}),
		}
	}
	what := fmt.Sprintf("pull image %q", key.ref)
	if err := e.do(ctx, what, once, nil); err != nil {
		return err
	}
	stream, err := e.client.ImagePull(ctx, key.ref, image.PullOptions{RegistryAuth: auth, Platform: key.platform})
	if err == nil {
		err = follow(stream, &progress{image: key.ref, sink: sink})
		err = errors.Join(err, stream.Close())
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil || client.IsErrConnectionFailed(err) {
		return e.explain(ctx, what, err)
	}
	return pullFailure(key, reference.Domain(name), err)
}

// message is one of the JSON documents in the answer to a pull.
type message struct {
	ID             string
	Status         string
	ProgressDetail struct{ Current, Total int64 }
	ErrorDetail    *struct{ Message string }
}

// follow reads the messages of a pull to their end.
func follow(stream io.Reader, p *progress) error {
	p.emit("pulling", true)
	limited := &io.LimitedReader{R: stream}
	for messages := json.NewDecoder(limited); ; {
		var m message
		limited.N = mostAnswered
		if err := messages.Decode(&m); err == io.EOF {
			p.emit("pulled", true)
			return nil
		} else if err != nil {
			return err
		}
		if m.ErrorDetail != nil {
			return errors.New(m.ErrorDetail.Message)
		}
		p.note(m)
	}
}

// progress sums up the progress that the engine reports for each layer.
type progress struct {
	image  string
	sink   engine.Sink
	layers map[string]layer
	last   time.Time
}

// layer is the progress of the download of one layer.
type layer struct{ current, total int64 }

// progressEvery is the shortest time between two progress events: often enough for a person.
const progressEvery = 100 * time.Millisecond

// note processes a message of the pull.
func (p *progress) note(m message) {
	if m.ID == "" {
		return
	}
	if p.layers == nil {
		p.layers = map[string]layer{}
	}
	switch l := p.layers[m.ID]; m.Status {
	case "Downloading":
		p.layers[m.ID] = layer{m.ProgressDetail.Current, m.ProgressDetail.Total}
		p.emit("pulling", false)
	case "Download complete", "Pull complete":
		p.layers[m.ID] = layer{l.total, l.total}
		p.emit("pulling", false)
	case "Extracting":
		p.emit("extracting", false)
	}
}

// emit emits the sum over all layers, unless it did so a moment ago. If always is true, it does so regardless.
func (p *progress) emit(status string, always bool) {
	now := time.Now()
	if !always && now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	event := engine.ImageProgress{Image: p.image, Status: status}
	for _, l := range p.layers {
		event.Current += l.current
		event.Total += l.total
	}
	p.sink.Emit(event)
}

// pullFailure returns the error of a failed pull. If the registry refuses at once, the engine returns a status code; if it
// refuses later, the engine passes on the registry's text. The phrases are those of the error codes of the OCI distribution
// specification, as registries word them. Registries may answer for an unknown repository as they do for missing
// credentials.
func pullFailure(key imageKey, registry string, err error) error {
	text := strings.ToLower(err.Error())
	contains := func(phrases ...string) bool {
		for _, phrase := range phrases {
			if strings.Contains(text, phrase) {
				return true
			}
		}
		return false
	}
	failure := &engine.Error{Err: fmt.Errorf("pull image %q%s: %w", key.ref, forPlatform(key.platform), words{err})}
	switch {
	case cerrdefs.IsUnauthorized(err), cerrdefs.IsPermissionDenied(err),
		contains("unauthorized", "no basic auth credentials", "authentication required", "access denied", "access to the resource is denied"):
		failure.Reason = engine.ImageUnauthorized
		failure.Remedy = engine.Remedy{Text: fmt.Sprintf("docker login %s, or correct the name of the image", registry)}
	case contains("no matching manifest", "does not provide the specified platform", "does not match the specified platform"):
		failure.Reason = engine.ImageNotFound
		failure.Remedy = engine.Remedy{Text: "use an image that is built for this platform", Option: engine.OptionPlatform}
	case cerrdefs.IsNotFound(err), contains("manifest unknown", "name unknown", "not found"):
		failure.Reason = engine.ImageNotFound
		failure.Remedy = engine.Remedy{Text: "correct the name or the tag of the image"}
	default:
		failure.Reason = engine.ImagePullFailed
		failure.Remedy = engine.Remedy{Text: fmt.Sprintf("check that the engine can reach the registry %s", registry)}
	}
	return failure
}
