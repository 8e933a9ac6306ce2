package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"

	cerrdefs "github.com/containerd/errdefs"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker/endpoint"
)

// errNoAnswer is the cause of the end of a request that took too long.
var errNoAnswer = errors.New("the engine did not answer in time")

// explain returns the *engine.Error for the failure of a request. ctx is the context of the request; what may be empty.
func (e *Engine) explain(ctx context.Context, what string, err error) error {
	if explained, ok := errors.AsType[*engine.Error](err); ok {
		return explained
	}
	if what != "" {
		what += ": "
	}
	switch {
	case errors.Is(context.Cause(ctx), errNoAnswer), errors.Is(err, os.ErrDeadlineExceeded):
		within := e.answerWithin
		if late, ok := errors.AsType[unanswered](context.Cause(ctx)); ok {
			within = late.within
		}
		return &engine.Error{
			Reason: engine.EngineDidNotAnswer,
			Err:    fmt.Errorf("%sthe Docker engine at %s did not answer within %v", what, e.endpoint.Host, within),
			Remedy: engine.Remedy{Text: "see whether the engine hangs (`docker info`), and restart it"},
		}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case cutOff(err):
		return &engine.Error{
			Reason: engine.EngineUnavailable,
			Err:    fmt.Errorf("%sthe Docker engine at %s cannot be reached: %w", what, e.endpoint.Host, e.connectionError(err)),
			Remedy: e.remedyUnavailable(err),
		}
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return noEngine(e.endpoint.Host, fmt.Sprintf("%sit sends no JSON", what))
	}
	refusal := &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf("%s%w", what, words{err})}
	if strings.Contains(err.Error(), "unable to apply caps") {
		refusal.Remedy = remedyCapabilities
	} else if cerrdefs.IsInternal(err) || cerrdefs.IsConflict(err) {
		refusal.Remedy = e.remedyRefused()
	}
	return refusal
}

// connectionError returns why the connection fails, without the request. The client's error may not contain it.
func (e *Engine) connectionError(err error) error {
	if overSSH(e.endpoint.Host) {
		return sshFailure(err).explained(e.endpoint.Host)
	}
	if socket, ok := strings.CutPrefix(e.endpoint.Host, "unix://"); ok {
		if cause := dial("unix", socket); cause != nil {
			return cause
		}
		if cause, ok := errors.AsType[syscall.Errno](err); ok {
			return cause
		}
	}
	const closedEarly = "http: server closed idle connection" // of net/http, which does not export the error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.HasSuffix(err.Error(), closedEarly) {
		return errors.New("it closed the connection")
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err
	}
	if address, ok := strings.CutPrefix(e.endpoint.Host, "tcp://"); ok {
		return cmp.Or(dial("tcp", address), err)
	}
	return err
}

// remedyRefused returns what to do if the engine fails.
func (e *Engine) remedyRefused() engine.Remedy {
	log := "journalctl -u docker"
	if e.isPodman() {
		log = "journalctl -t podman"
	}
	return engine.Remedy{Text: fmt.Sprintf("run it again; if it fails again, see the engine's log (`%s`)", log)}
}

// remedyUnavailable returns what to do if the engine cannot be reached.
func (e *Engine) remedyUnavailable(err error) engine.Remedy {
	if overSSH(e.endpoint.Host) {
		return sshFailure(err).remedy(e.endpoint.Host)
	}
	return remedyUnreachable(e.connectionError(err))
}

// remedyUnreachable returns what to do about a socket that cannot be connected to for the cause.
func remedyUnreachable(cause error) engine.Remedy {
	if errors.Is(cause, fs.ErrPermission) {
		return engine.Remedy{Text: "join the group of the socket (`sudo usermod -aG docker $USER`) and log in again", Option: engine.OptionHost}
	}
	return engine.Remedy{Text: "start Docker", Option: engine.OptionHost}
}

// dial returns why an address cannot be connected to, or nil.
func dial(network, address string) error {
	conn, err := net.DialTimeout(network, address, triedFor)
	if err == nil {
		return conn.Close()
	}
	if cause, ok := errors.AsType[syscall.Errno](err); ok {
		return cause
	}
	return err
}

var (
	// remedyCapabilities is for an answer of runc: the kernel gives a container no capability that the engine lacks.
	remedyCapabilities = engine.Remedy{Text: "leave out the added capabilities, or use another engine: this one lacks one of them (it is rootless, or runs in a container)"}
	remedyLost         = engine.Remedy{Text: "when the engine is back, `ktask clean` removes what may be left on it"}
)

// unusable returns the error of an engine whose address is not usable.
func unusable(err error) error {
	return &engine.Error{Reason: engine.EngineUnavailable, Err: err, Remedy: remedyOf(err, engine.Remedy{Option: engine.OptionHost})}
}

// remedyOf returns the remedy of an error of package endpoint, or fallback if it has none.
func remedyOf(err error, fallback engine.Remedy) engine.Remedy {
	if failure, ok := errors.AsType[*endpoint.Error](err); ok {
		return engine.Remedy{Text: failure.Remedy}
	}
	return fallback
}

// lost marks an EngineUnavailable error as EngineLost: the engine went away during an attempt.
func lost(err error) error {
	if failure, ok := errors.AsType[*engine.Error](err); ok && failure.Reason == engine.EngineUnavailable {
		return &engine.Error{
			Reason: engine.EngineLost, Err: failure.Err,
			Remedy: remedyLost,
		}
	}
	return err
}

// words is an error of the engine without the client's prefix.
type words struct{ error }

// Error returns the engine's text.
func (w words) Error() string {
	return strings.TrimPrefix(w.error.Error(), "Error response from daemon: ")
}

// Unwrap returns the original error, by which it is classified.
func (w words) Unwrap() error { return w.error }
