package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/ktask/ktask/engine"
)

// stream is the attached stream of a container, on its way to the sink.
type stream struct {
	attempt *attempt
	conn    types.HijackedResponse
	// drained gets the error of the stream once, when all of it has been told.
	drained chan error
	over    bool
	// exited says that the container has ended: from then on the engine only has to hand over what it has.
	exited atomic.Bool
}

// attach connects to the container's streams and begins to take from them. It comes before the start, so nothing
// is missed.
func (a *attempt) attach(ctx context.Context) (*stream, error) {
	s := &stream{attempt: a, drained: make(chan error, 1)}
	err := a.call(ctx, "attach to the container", func(ctx context.Context) (err error) {
		s.conn, err = a.hijack(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	go func() { s.drained <- s.drain() }()
	return s, nil
}

// hijack attaches. The client's call does not heed ctx once it is connected; where the engine does not answer it is
// left behind, and closes what it gets when the engine answers or goes away.
func (a *attempt) hijack(ctx context.Context) (types.HijackedResponse, error) {
	type answer struct {
		conn types.HijackedResponse
		err  error
	}
	answered := make(chan answer)
	go func() {
		conn, err := a.client.ContainerAttach(ctx, a.id, container.AttachOptions{Stream: true, Stdout: true, Stderr: true})
		select {
		case answered <- answer{conn, err}:
		case <-ctx.Done():
			if err == nil {
				conn.Close()
			}
		}
	}()
	select {
	case got := <-answered:
		return got.conn, got.err
	case <-ctx.Done():
		return types.HijackedResponse{}, context.Cause(ctx)
	}
}

// drain turns the stream into lines until its end.
func (s *stream) drain() error {
	a := s.attempt
	stdout := engine.NewOutput(a.output, engine.Stdout, a.mask)
	stderr := engine.NewOutput(a.output, engine.Stderr, a.mask)
	var err error
	if a.container.TTY {
		_, err = io.Copy(stdout, s)
	} else {
		_, err = stdcopy.StdCopy(stdout, stderr, s)
	}
	return errors.Join(err, stdout.Close(), stderr.Close())
}

// Read takes bytes from the engine. Each read behind the end of the container has a deadline; the time that a slow
// sink takes between two reads does not count.
func (s *stream) Read(p []byte) (int, error) {
	if s.exited.Load() {
		s.setDeadline()
	}
	return s.conn.Reader.Read(p)
}

func (s *stream) setDeadline() {
	// A connection that knows no deadlines is as good as one without.
	_ = s.conn.Conn.SetReadDeadline(time.Now().Add(s.attempt.answerWithin))
}

// finish waits until all output of an ended container has been told.
func (s *stream) finish() error {
	s.exited.Store(true)
	s.setDeadline()
	err := <-s.drained
	s.over = true
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return s.attempt.explain(noAnswer(), takeOutput, err)
	}
	return &engine.Error{
		Reason: engine.EngineLost,
		Err:    fmt.Errorf("%s: %w", takeOutput, err),
		Remedy: "see whether the connection to the engine is stable",
	}
}

const takeOutput = "take the output of the container to its end"

// end closes the connection and waits for the last of the output.
func (s *stream) end() {
	s.conn.Close()
	if !s.over {
		<-s.drained
		s.over = true
	}
}
