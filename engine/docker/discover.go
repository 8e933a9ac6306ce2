package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker/endpoint"
)

// Socket is a place where an engine usually listens.
type Socket = endpoint.Socket

// Tried is a place where an engine was looked for: a usual socket, or the host that is named, with what names it as Of.
type Tried struct {
	Socket
	// Err is why the engine there is not used; it is nil for the one that is used.
	Err error
}

// absent reports whether there is no socket, or none that this user can see.
func (t Tried) absent() bool {
	return errors.Is(t.Err, fs.ErrNotExist) || errors.Is(t.Err, errHidden)
}

// Answer returns "ok", or why the engine is not used, without its host.
func (t Tried) Answer() string {
	if t.Err == nil {
		return "ok"
	}
	text := strings.TrimPrefix(t.Err.Error(), "the Docker engine at ")
	return strings.TrimPrefix(text, t.Host+" ")
}

// NotFoundError is the cause if nothing names an engine and none of the usual sockets can be used.
type NotFoundError struct{ Tried []Tried }

// Error returns why those sockets that exist are not used.
func (e *NotFoundError) Error() string {
	var there []string
	for _, t := range e.Tried {
		if !t.absent() {
			there = append(there, t.Host+": "+t.Answer())
		}
	}
	if there == nil {
		return fmt.Sprintf("no container engine found: none of the %d usual sockets exists", len(e.Tried))
	}
	return "no container engine found: " + strings.Join(there, "; ")
}

// notFound returns the error of an engine that discover has chosen although it had not answered, with all that was tried. failure is
// why it cannot be used now.
func (e *Engine) notFound(failure error) error {
	unusable, ok := errors.AsType[*engine.Error](failure)
	if !e.slow || !ok {
		return failure
	}
	tried := slices.Clone(e.tried)
	for i := range tried {
		if tried[i].Host == e.endpoint.Host {
			tried[i].Err = failure
		}
	}
	return &engine.Error{Reason: unusable.Reason, Err: &NotFoundError{tried}, Remedy: unusable.Remedy}
}

// remedy returns what the user can do.
func (e *NotFoundError) remedy() engine.Remedy {
	remedy := remedyUnreachable(nil)
	for _, t := range e.Tried {
		if refusal, ok := errors.AsType[*engine.Error](t.Err); ok {
			return refusal.Remedy // there is an engine, but not one to use as it is
		}
		if errors.Is(t.Err, fs.ErrPermission) && !t.absent() {
			remedy = remedyUnreachable(t.Err)
		}
	}
	return remedy
}

var (
	errHidden   = errors.New("its directory is closed to this user")
	errSilent   = fmt.Errorf("no answer within %v", triedFor)
	errUnproven = errors.New("not trusted")
)

const (
	// triedFor is how long a usual socket is waited for. A busy engine answers a ping at once.
	triedFor = 2 * time.Second
	// aloneFor is how long it is waited for before those after it are asked, too: a ping can start an engine, or its machine.
	aloneFor = 200 * time.Millisecond
)

// Tried returns where an engine was looked for, in this order. The last place is the one that is used, unless none has answered.
func (e *Engine) Tried() []Tried { return e.tried }

// Pinned returns the options with which another process uses the same engine, even if the current context changes or another
// socket appears.
func (e *Engine) Pinned(o Options) Options {
	o.DefaultHost, o.DefaultContext, o.Usual = "", "", nil
	if o.Host, o.Context = e.endpoint.Host, e.endpoint.Context; o.Context != "" {
		o.Host = ""
	}
	return o
}

// candidate is one of the usual sockets and, when done is closed, the outcome of its try.
type candidate struct {
	done   chan struct{}
	engine *Engine
	err    error
}

// discover returns the engine at the first of the usual sockets that answers. The answer negotiates the version of the API, so
// the choice costs no request of its own. A socket that does not answer at once is waited for together with those after it. If
// none answers, discover returns the first that only is slow.
func discover(o Options) (found *Engine, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	all := make([]candidate, len(o.Usual))
	var work sync.WaitGroup
	start := func(i int) {
		if c := &all[i]; c.done == nil {
			c.done = make(chan struct{})
			work.Go(func() {
				defer close(c.done)
				c.engine, c.err = try(ctx, o, o.Usual[i])
			})
		}
	}
	defer func() {
		cancel()
		work.Wait()
		for _, c := range all {
			if c.engine != nil && c.engine != found {
				_ = c.engine.Close()
			}
		}
	}()
	var tried []Tried
	var slow *Engine
	for i := range all {
		start(i)
		select {
		case <-all[i].done:
		case <-time.After(aloneFor):
			for later := range all {
				start(later)
			}
			<-all[i].done
		}
		tried = append(tried, Tried{o.Usual[i], all[i].err})
		if all[i].err == nil {
			all[i].engine.tried = tried
			all[i].engine.noticePassedOver()
			return all[i].engine, nil
		}
		if errors.Is(all[i].err, errSilent) && slow == nil {
			slow = all[i].engine
		}
	}
	if slow != nil {
		slow.tried, slow.slow = tried, true
		slow.noticeSlow()
		return slow, nil // whoever asks it next waits longer
	}
	missing := &NotFoundError{tried}
	return nil, &engine.Error{Reason: engine.EngineUnavailable, Err: missing, Remedy: missing.remedy()}
}

// try returns the engine at a socket, which is nil if there is none that may be asked, and why it is not used.
func try(ctx context.Context, o Options, socket Socket) (*Engine, error) {
	path, isUnix := strings.CutPrefix(socket.Host, "unix://")
	if isUnix {
		if err := askable(path); err != nil {
			return nil, err
		}
	}
	e, err := newEngine(endpoint.Endpoint{Host: socket.Host}, o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, triedFor, errSilent)
	defer cancel()
	err = e.do(ctx, "", once, nil)
	if hasReason(err, engine.EngineUnavailable) && !isUnix {
		err = fs.ErrNotExist // the error of a pipe has no type
	}
	return e, err
}

// askable returns why a socket may not be asked, or nil.
func askable(path string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrPermission) {
		return errHidden
	} else if err != nil {
		return syscall.ENOENT
	}
	if err := endpoint.CheckSocket(path); err != nil {
		return fmt.Errorf("%w: %w", errUnproven, err)
	}
	return dial("unix", path)
}

// noticePassedOver notifies the user of the sockets that exist and are not used.
func (e *Engine) noticePassedOver() {
	last := len(e.tried) - 1
	for _, t := range e.tried[:last] {
		if e.notice != nil && !t.absent() {
			e.notice(fmt.Sprintf("passed over %s (%s: %s), using %s (%s)", t.Host, t.Of, t.Answer(), e.endpoint.Host, e.tried[last].Of))
		}
	}
}

// noticeSlow notifies the user that no socket has answered, and of the one that is waited for.
func (e *Engine) noticeSlow() {
	if e.notice == nil {
		return
	}
	there := 0
	for _, t := range e.tried {
		if !t.absent() {
			there++
		}
	}
	e.notice(fmt.Sprintf("no engine has answered within %v (sockets tried: %d), waiting for %s", triedFor, there, e.endpoint.Host))
}
