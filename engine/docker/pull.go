package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"

	"github.com/ktask/ktask/engine"
)

// The limits of a pull.
const (
	// stalledAfter is how long a pull may make no progress before it is given up and begun again.
	stalledAfter = 2 * time.Minute
	// unpackFactor is how much longer the engine may take to unpack what it has downloaded, which some engines do silently.
	unpackFactor = 15
	// mostPulls is how often a pull is tried that fails for a reason that may pass. The engine keeps complete layers.
	mostPulls = 3
	// pullAgainAfter is the wait before a pull is tried again.
	pullAgainAfter = time.Second
)

// pull pulls an image from its registry. It tries the credentials one by one until the registry does not refuse them. The
// error is an *engine.Error, or the cause of ctx.
func (e *Engine) pull(ctx context.Context, key imageKey, secrets logins, sink engine.Sink) error {
	name, err := reference.ParseNormalizedNamed(key.ref)
	if err != nil {
		return invalidName(key.ref, err)
	}
	p := &pull{Engine: e, key: key, domain: reference.Domain(name), sink: sink}
	for l, err := range e.logins(name, secrets) {
		if err != nil {
			return &engine.Error{
				Reason: engine.ImagePullFailed,
				Err:    fmt.Errorf("pull image %q: %w", key.ref, err),
				Remedy: remedyOf(err, engine.Remedy{}),
			}
		}
		if p.err = p.with(ctx, l); p.err == nil {
			p.reportRefused(l)
			return nil
		}
		p.tried = append(p.tried, l)
		if !hasReason(p.err, engine.ImageUnauthorized) && !hasReason(p.err, engine.ImageNotFound) {
			break
		}
	}
	return p.failure(ctx)
}

func invalidName(ref string, err error) error {
	return &engine.Error{
		Reason: engine.ImageNotFound,
		Err:    fmt.Errorf("image %q cannot be on any registry: %w", ref, err),
		Remedy: engine.Remedy{Text: "correct the name of the image"},
	}
}

// pull is the pull of one image.
type pull struct {
	*Engine
	key    imageKey
	domain string
	sink   engine.Sink
	// tried are the logins that have been tried, and err is the error of the last one.
	tried []login
	err   error
}

func (p *pull) what() string {
	return fmt.Sprintf("pull image %q%s", p.key.ref, forPlatform(p.key.platform))
}

// with pulls the image with the credentials, again if that fails for a reason that may pass.
func (p *pull) with(ctx context.Context, l login) error {
	if err := p.reach(ctx, once); err != nil {
		return err // an engine that was never reached is not waited for
	}
	for try := 1; ; try++ {
		err := p.once(ctx, l)
		if err == nil || try == mostPulls || !passes(err) || !pause(ctx, pullAgainAfter) {
			return err
		}
		p.sink.Emit(engine.ImageProgress{Image: p.key.ref, Status: "pulling again"})
		if err := p.reach(ctx, repeatedly); err != nil {
			return err
		}
	}
}

// once pulls the image once.
func (p *pull) once(ctx context.Context, l login) error {
	header, err := l.header()
	if err != nil {
		return err
	}
	progress := &progress{image: p.key.ref, sink: p.sink}
	pulling, moved, over := p.watched(ctx, progress)
	defer over()
	stream, err := p.client.ImagePull(pulling, p.key.ref, image.PullOptions{RegistryAuth: header, Platform: p.key.platform})
	if err == nil {
		err = follow(stream, progress, moved)
		err = errors.Join(err, stream.Close())
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(pulling), errStalled):
		return p.stalled(ctx)
	case ctx.Err() != nil, cutOff(err) && !isRegistrys(err):
		return p.explain(ctx, p.what(), err)
	}
	return refusal(p.key, p.domain, l, err)
}

// reach pings the engine. The error is that of an engine that cannot be reached or does not answer.
func (p *pull) reach(ctx context.Context, again policy) error {
	return p.do(ctx, p.what(), again, func(ctx context.Context) error {
		_, err := p.client.Ping(ctx)
		return err
	})
}

// errStalled is the cause of the end of a pull that makes no progress.
var errStalled = errors.New("the pull makes no progress")

// watched returns a context that ends if the pull makes no progress for too long. moved is called with each message.
func (p *pull) watched(ctx context.Context, progress *progress) (pulling context.Context, moved, over func()) {
	pulling, cancel := context.WithCancelCause(ctx)
	limit := func() time.Duration {
		if progress.unpacking() {
			return p.stalledAfter * unpackFactor
		}
		return p.stalledAfter
	}
	early := p.stalledAfter / 4
	stall := time.AfterFunc(limit(), func() { cancel(errStalled) })
	notice := time.AfterFunc(early, func() {
		if p.notice != nil {
			p.notice(fmt.Sprintf("the pull of image %q from %s has made no progress for %v, waiting up to %v more", p.key.ref, p.domain, early, p.stalledAfter-early))
		}
	})
	moved = func() {
		stall.Reset(limit())
		if progress.unpacking() {
			notice.Stop()
		} else {
			notice.Reset(early)
		}
	}
	return pulling, moved, func() { stall.Stop(); notice.Stop(); cancel(nil) }
}

// stalled returns the error of a pull that made no progress, which may be the engine's fault or the registry's.
func (p *pull) stalled(ctx context.Context) error {
	if err := p.reach(ctx, once); err != nil {
		return err
	}
	return &engine.Error{
		Reason: engine.ImagePullFailed,
		Err:    fmt.Errorf("%s: %w: nothing has come from %s for %v", p.what(), errStalled, p.domain, p.stalledAfter),
		Remedy: reachable(p.domain),
	}
}

// message is one of the JSON documents in the answer to a pull, a build or a load.
type message struct {
	ID             string
	Status         string
	ProgressDetail struct{ Current, Total int64 }
	Error          string
	ErrorDetail    *struct{ Message string }
}

// failure returns what the message reports as an error, or nil.
func (m message) failure() error {
	switch {
	case m.ErrorDetail != nil && m.ErrorDetail.Message != "":
		return registryError{m.ErrorDetail.Message}
	case m.Error != "":
		return registryError{m.Error}
	}
	return nil
}

// registryError is a failure that the engine reports in the middle of an answer: a registry's, or that of a step of a build.
type registryError struct{ text string }

func (r registryError) Error() string { return r.text }

func isRegistrys(err error) bool {
	_, ok := errors.AsType[registryError](err)
	return ok
}

// follow reads the messages of a pull to their end and calls moved after each.
func follow(stream io.Reader, p *progress, moved func()) error {
	p.emit("pulling", true)
	limited := &io.LimitedReader{R: stream}
	for messages := json.NewDecoder(limited); ; moved() {
		var m message
		limited.N = mostAnswered
		if err := messages.Decode(&m); err == io.EOF {
			p.emit("pulled", true)
			return nil
		} else if err != nil {
			return err
		}
		if err := m.failure(); err != nil {
			return err
		}
		p.note(m)
	}
}

// reportRefused sends a notice of the credentials that were refused before those of a login were accepted.
func (p *pull) reportRefused(accepted login) {
	if refused := p.sources(); len(refused) > 0 && p.notice != nil {
		p.notice(fmt.Sprintf("image %q was pulled with the credentials of %s; %s refused those of %s", p.key.ref, accepted.source, p.domain, strings.Join(refused, ", ")))
	}
}

// sources returns the names of where the tried credentials come from.
func (p *pull) sources() []string {
	var all []string
	for _, l := range p.tried {
		if l.source != "" && !slices.Contains(all, l.source) {
			all = append(all, l.source)
		}
	}
	return all
}
