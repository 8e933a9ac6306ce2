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

// stream is the output of a container on its way to the sink: the attached stream, and where that breaks the log.
type stream struct {
	attempt        *attempt
	conn           *hijackedStream
	stdout, stderr *replay.Forwarded
	// ctx ends with the attempt, exited with the container: from then on the engine only has to hand over what it has.
	ctx, exited context.Context
	cancel      context.CancelFunc
	exit        context.CancelFunc
	// ended is closed where the end of the container was found out here.
	ended chan struct{}
	// drained gets the error of the stream once, when all of it has been told.
	drained chan error
	over    bool
	// cut says that the container outlived its stream: what ended it was something else.
	cut bool
}

// attach connects to the container's streams and begins to take from them. It comes before the start, so nothing
// is missed.
func (a *attempt) attach(ctx context.Context) (*stream, error) {
	s := &stream{
		attempt: a, drained: make(chan error, 1), ended: make(chan struct{}),
		stdout: replay.Forward(a.head.of(a.out.Stdout)), stderr: replay.Forward(a.head.of(a.out.Stderr)),
	}
	err := a.engine.do(ctx, "attach to the container", a.repeatedly(), func(ctx context.Context) (err error) {
		query := url.Values{"stream": {"1"}, "stdout": {"1"}, "stderr": {"1"}}
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

// untilAnswer bounds each read behind the end of the container; the time that a slow sink takes between two reads does
// not count.
func (s *stream) untilAnswer() time.Duration {
	if s.exited.Err() == nil {
		return 0
	}
	return s.attempt.engine.answerWithin
}

// lingering is how long a container may live on when its stream has ended, before that is looked into. It usually ends
// at once; one that has closed its output may go on.
const lingering = time.Second

// drain tells the stream to its end, which is the container's.
func (s *stream) drain() error {
	broken := s.copy(s.stdout, s.stderr, s.conn)
	s.conn.close()
	s.outlast()
	return s.settle(broken)
}

// copy turns what the engine sends into the container's streams.
func (s *stream) copy(stdout, stderr io.Writer, from io.Reader) (err error) {
	if s.attempt.container.TTY {
		_, err = io.Copy(stdout, from)
	} else {
		_, err = stdcopy.StdCopy(stdout, stderr, &frames{from: from})
	}
	return err
}

// outlast goes on with the log for as long as the container outlives its stream.
func (s *stream) outlast() {
	a := s.attempt
	for pause := lingering; !s.exitsWithin(pause); pause = min(2*pause, lastPause) {
		found, err := a.state(s.ctx)
		switch {
		case s.exited.Err() != nil:
			return
		case err != nil && !cerrdefs.IsNotFound(err):
			// Whether the engine is lost is for those to say who wait for the container.
		case err != nil || hasEnded(found): // podman does not always tell those who wait of a container that is removed
			close(s.ended)
			<-s.exited.Done()
			return
		case a.recorded():
			s.cut = true
			// What goes wrong here is found out at the end.
			_, _ = s.readLog(s.ctx, false)
		}
	}
}

// exitsWithin says whether the container has ended, and waits for it a while.
func (s *stream) exitsWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.exited.Done():
		return true
	case <-timer.C:
		return false
	}
}

// settle makes sure that all output of an ended container has been told.
func (s *stream) settle(broken error) error {
	a := s.attempt
	switch {
	case s.ctx.Err() != nil: // nobody wants it any more
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

// readLog reads the engine's log from its beginning, and tells what has not been told of it: as it grows where the
// container runs, else as it is. ctx bounds the time until the answer begins.
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
	return stdout.Complete(whole, rotated) && stderr.Complete(whole, rotated), nil
}

// finish waits until all output of an ended container has been told.
func (s *stream) finish() error {
	s.exit()
	s.conn.setDeadline(s.attempt.engine.answerWithin)
	err := <-s.drained
	s.over = true
	return err
}

const takeOutput = "take the output of the container to its end"

// errGap is why output cannot be taken up again where it broke off.
var errGap = errors.New("it broke off, and the engine's log of it does not have the rest")

// incomplete is the error of output that may not be all there is.
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
		Remedy: "see whether the connection to the engine is stable, and run the task again",
	}
}

// end closes the connections and waits for the last of the output.
func (s *stream) end() {
	s.cancel()
	s.conn.close()
	if !s.over {
		<-s.drained
		s.over = true
	}
}
