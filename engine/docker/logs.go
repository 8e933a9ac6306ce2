package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker/replay"
)

// stream carries the output of a container to the sink: from the attached stream, and from the log if that breaks.
type stream struct {
	attempt        *attempt
	conn           *hijackedStream
	stdout, stderr *replay.Forwarded
	// ctx ends with the attempt, exited with the container: after that the engine only has to send what it has.
	ctx, exited context.Context
	cancel      context.CancelFunc
	exit        context.CancelFunc
	// ended is closed if the stream detects the end of the container.
	ended chan struct{}
	// drained receives the error of the stream once, when all of it has been forwarded.
	drained chan error
	over    bool
	// cut is true if the container outlived its stream: something else ended the stream.
	cut bool
}

// attach connects to the container's streams and begins to read them. It is called before the start, so nothing is missed.
func (a *attempt) attach(ctx context.Context) (*stream, error) {
	stdout, stderr := a.head.of(a.out.Stdout), a.head.of(a.out.Stderr)
	query := url.Values{"stream": {"1"}, "stdout": {"1"}, "stderr": {"1"}}
	if a.prepared != nil {
		stdout, stderr = a.prepared.gate.streams()
		query.Set("stdin", "1")
	}
	if a.terminal != nil {
		query.Set("stdin", "1")
		query.Set("detachKeys", noDetachKeys)
	}
	s := &stream{
		attempt: a, drained: make(chan error, 1), ended: make(chan struct{}),
		stdout: replay.Forward(stdout), stderr: replay.Forward(stderr),
	}
	if a.prepared != nil {
		_, _ = s.stdout.Write(a.prepared.givenMark()) // it is in the engine's log
	}
	policy := a.repeatedly()
	if a.prepared != nil || a.terminal != nil {
		policy = once // the end of the first connection is that of the standard input
	}
	err := a.engine.do(ctx, "attach to the container", policy, func(ctx context.Context) (err error) {
		s.conn, err = a.engine.open(ctx, http.MethodPost, "/containers/"+a.id+"/attach", query, true)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.exited, s.exit = context.WithCancel(s.ctx)
	s.conn.within = s.untilAnswer
	go func() { s.drained <- s.drain() }()
	return s, nil
}

// untilAnswer returns the time limit of each read after the end of the container. The time that a slow sink takes between
// two reads does not count.
func (s *stream) untilAnswer() time.Duration {
	if s.exited.Err() == nil {
		return 0
	}
	return s.attempt.engine.answerWithin
}

// The times between two checks of a container that runs on after the end of its stream, first and longest. It usually ends
// immediately; one that has closed its output may go on.
const (
	lingering     = time.Second
	lingersPodman = 10 * time.Millisecond // it answers a wait some tenths of a second late, and an inspection at once
	longestLinger = 30 * time.Second
)

// drain forwards the stream until its end, which is the container's.
func (s *stream) drain() error {
	broken := s.copy(s.stdout, s.stderr, s.conn)
	s.conn.close()
	s.outlast()
	return s.settle(broken)
}

// copy splits what the engine sends into the container's streams.
func (s *stream) copy(stdout, stderr io.Writer, from io.Reader) (err error) {
	if s.attempt.container.TTY {
		_, err = io.Copy(stdout, from)
	} else {
		_, err = stdcopy.StdCopy(stdout, stderr, &frames{from: from})
	}
	return err
}

// outlast forwards the log for as long as the container outlives its stream.
func (s *stream) outlast() {
	a := s.attempt
	first := lingering
	if a.engine.isPodman() {
		first = lingersPodman
	}
	for wait := first; pause(s.exited, wait); wait = min(2*wait, longestLinger) {
		found, err := a.state(s.ctx)
		switch {
		case s.exited.Err() != nil:
			return
		case err != nil && !cerrdefs.IsNotFound(err):
			// Those who wait for the container decide whether the engine is lost.
		case err != nil || hasEnded(found): // podman does not always answer a wait for a container that is removed
			close(s.ended)
			<-s.exited.Done()
			return
		case a.recorded() && wait >= lingering:
			s.cut = true
			// settle reports what goes wrong here.
			_, _ = s.readLog(s.ctx, false)
		}
	}
}

// settle returns an error unless all output of an ended container has been forwarded.
func (s *stream) settle(broken error) error {
	a := s.attempt
	switch {
	case s.ctx.Err() != nil: // the output is no longer needed
		return broken
	case !a.recorded():
		return s.incomplete(broken)
	}
	whole := broken == nil && !s.cut
	complete := false
	err := a.engine.do(s.ctx, takeOutput, a.repeatedly(), func(ctx context.Context) (err error) {
		complete, err = s.readLog(ctx, whole)
		return err
	})
	if err == nil && !complete {
		err = s.incomplete(errors.Join(broken, errGap))
	}
	return err
}

// readLog reads the engine's log from its beginning and forwards what has not been forwarded. It follows the log if the
// container is running. ctx limits the time until the answer begins.
func (s *stream) readLog(ctx context.Context, whole bool) (complete bool, err error) {
	a := s.attempt
	framed := !a.container.TTY
	query := url.Values{"stdout": {"1"}, "stderr": {"1"}, "tail": {"all"}}
	if framed {
		query.Set("timestamps", "1")
	}
	until := s.ctx
	if s.exited.Err() == nil {
		query.Set("follow", "1")
		until = s.exited
	}
	log, err := a.engine.open(ctx, http.MethodGet, "/containers/"+a.id+"/logs", query, false)
	if err != nil {
		return false, err
	}
	defer log.close()
	log.within = s.untilAnswer
	defer context.AfterFunc(until, log.close)()

	stdout, stderr := replay.New(s.stdout, framed, a.request.logDriver.losesBreaks()), replay.New(s.stderr, framed, a.request.logDriver.losesBreaks())
	if err := s.copy(stdout, stderr, log); err != nil {
		return false, err
	}
	whole = whole && !a.wasLost.Load()
	rotated := s.stdout.LogBytes()+s.stderr.LogBytes() > logBytes
	if rotated && !s.stdout.Attached() && !s.stderr.Attached() {
		return false, nil // the log may have lost its beginning, and nothing shows whether it has
	}
	return stdout.Complete(whole, rotated) && stderr.Complete(whole, rotated), nil
}

// finish waits until all output of an ended container has been forwarded.
func (s *stream) finish() error {
	s.exit()
	s.conn.setDeadline(s.attempt.engine.answerWithin)
	err := <-s.drained
	s.over = true
	return err
}

const takeOutput = "take the output of the container to its end"

// errGap is the reason why output is incomplete after its stream broke off.
var errGap = errors.New("it broke off, and the engine's log of it does not have the rest")

// incomplete returns the error of output that may not be complete.
func (s *stream) incomplete(why error) error {
	switch {
	case why == nil:
		return nil
	case errors.Is(why, os.ErrDeadlineExceeded):
		return s.attempt.engine.explain(noAnswer(), takeOutput, why)
	}
	return &engine.Error{
		Reason: engine.EngineLost,
		Err:    fmt.Errorf("%s: %w", takeOutput, why),
		Remedy: engine.Remedy{Text: "see whether the connection to the engine is stable, and run the task again"},
	}
}

// end closes the connections and waits for the rest of the output.
func (s *stream) end() {
	s.cancel()
	s.conn.close()
	if !s.over {
		<-s.drained
		s.over = true
	}
}
