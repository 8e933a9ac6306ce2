package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
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

// NotFoundError is the cause if nothing names an engine and none of the usual sockets can be used.
type NotFoundError struct{ Tried []Tried }

// Error returns why those sockets that exist are not used.
func (e *NotFoundError) Error() string {
	var there []string
	for _, t := range e.Tried {
		if !t.absent() {
			there = append(there, fmt.Sprintf("%s: %v", t.Host, t.Err))
		}
	}
	if there == nil {
		return fmt.Sprintf("no container engine found: none of the %d usual sockets exists", len(e.Tried))
	}
	return "no container engine found: " + strings.Join(there, "; ")
}

// remedy returns what the user can do.
func (e *NotFoundError) remedy() engine.Remedy {
	remedy := engine.Remedy{Text: "start Docker", Option: engine.OptionHost}
	for _, t := range e.Tried {
		if refusal, ok := errors.AsType[*engine.Error](t.Err); ok {
			return refusal.Remedy // there is an engine, but not one to use as it is
		}
		if errors.Is(t.Err, fs.ErrPermission) && !t.absent() {
			remedy.Text = "join the group of the socket (`sudo usermod -aG docker $USER`) and log in again"
		}
	}
	return remedy
}

var (
	errHidden   = errors.New("its directory is closed to this user")
	errSilent   = fmt.Errorf("no answer within %v", triedFor)
	errUnproven = errors.New("not trusted")
)

// triedFor is how long a usual socket is waited for. A busy engine answers a ping at once.
const triedFor = 2 * time.Second

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

// discover returns the engine at the first of the usual sockets that answers. The answer negotiates the version of the API, so
// the choice costs no request of its own. If none answers, it returns the first that only is slow.
func discover(o Options) (*Engine, error) {
	var tried []Tried
	var slow *Engine
	for _, socket := range o.Usual {
		e, err := try(o, socket)
		tried = append(tried, Tried{socket, err})
		switch {
		case err == nil:
			e.tried = tried
			e.noticePassedOver()
			return e, nil
		case errors.Is(err, errSilent) && slow == nil:
			slow = e
		case e != nil:
			_ = e.Close()
		}
	}
	if slow != nil {
		slow.tried = tried
		return slow, nil // whoever asks it next waits longer
	}
	missing := &NotFoundError{tried}
	return nil, &engine.Error{Reason: engine.EngineUnavailable, Err: missing, Remedy: missing.remedy()}
}

// try returns the engine at a socket, which is nil if there is none that may be asked, and why it is not used.
func try(o Options, socket Socket) (*Engine, error) {
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
	ctx, cancel := context.WithTimeoutCause(context.Background(), triedFor, errSilent)
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
	return dialSocket(path)
}

// noticePassedOver notifies the user of the sockets that exist and are not used.
func (e *Engine) noticePassedOver() {
	last := len(e.tried) - 1
	for _, t := range e.tried[:last] {
		if e.notice != nil && !t.absent() {
			e.notice(fmt.Sprintf("passed over %s (%s: %v), using %s (%s)", t.Host, t.Of, t.Err, e.endpoint.Host, e.tried[last].Of))
		}
	}
}
