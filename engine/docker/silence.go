package docker

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// The time limits for an engine that does not answer.
const (
	// noticedAfter is how long a request goes unanswered before the user is notified.
	noticedAfter = 5 * time.Second
	// silentAfter is how long a ping may go unanswered, while a task is to be stopped, before the engine counts as hanging.
	// A busy engine answers pings.
	silentAfter = 10 * time.Second
	// silentWithin limits each request to an engine that hangs.
	silentWithin = time.Second
	// pingEvery is the time between two pings.
	pingEvery = time.Second
)

// silence is the state of an engine that does not answer. The zero value is that of one that does.
type silence struct {
	mu       sync.Mutex
	hangs    bool
	notified bool
	calls    map[*context.CancelCauseFunc]bool
}

// unanswered is the cause of the end of a request that took too long.
type unanswered struct{ within time.Duration }

func (u unanswered) Error() string { return errNoAnswer.Error() }

// Is reports whether target is errNoAnswer.
func (u unanswered) Is(target error) bool { return target == errNoAnswer }

// limited returns the context of a request: it ends after answerWithin, or earlier if the engine hangs. done ends it;
// answered reports whether the engine has answered, even with an error.
func (e *Engine) limited(ctx context.Context) (limited context.Context, done func(answered bool)) {
	s := &e.silence
	s.mu.Lock()
	defer s.mu.Unlock()
	within := e.answerWithin
	if s.hangs {
		within = min(within, silentWithin)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, within, unanswered{within})
	ctx, giveUp := context.WithCancelCause(ctx)
	if s.calls == nil {
		s.calls = map[*context.CancelCauseFunc]bool{}
	}
	s.calls[&giveUp] = true
	notice := time.AfterFunc(noticedAfter, func() { s.notify(e, noticedAfter, within-noticedAfter) })
	return ctx, func(answered bool) {
		notice.Stop()
		giveUp(nil)
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.calls, &giveUp)
		if answered {
			s.hangs, s.notified = false, false
		}
	}
}

// notify notifies the user, once in a silence, of what ktask waits for.
func (s *silence) notify(e *Engine, since, atMost time.Duration) {
	s.mu.Lock()
	notified := s.notified
	s.notified = true
	s.mu.Unlock()
	if !notified && e.notice != nil {
		e.notice(fmt.Sprintf("the Docker engine at %s has not answered for %v, waiting up to %v more", e.endpoint.Host, since, atMost))
	}
}

// begin cancels all requests: the engine hangs.
func (s *silence) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangs = true
	for giveUp := range s.calls {
		(*giveUp)(unanswered{silentAfter})
	}
}

// watchStop pings the engine after ctx has ended: little remains to be done then, and a user who has interrupted the run
// should not wait long for an engine that hangs. The caller calls over at the end; over waits for the goroutine.
func (e *Engine) watchStop(ctx context.Context) (over func()) {
	watching, end := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() {
		select {
		case <-ctx.Done():
		case <-watching.Done():
			return
		}
		for e.pings(watching) && pause(watching, pingEvery) {
		}
		if watching.Err() == nil {
			e.silence.begin()
		}
	})
	return func() {
		end()
		work.Wait()
	}
}

// pings reports whether the engine answers a ping or cannot be reached, which other requests find out.
func (e *Engine) pings(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, silentAfter)
	defer cancel()
	const early = 3 * time.Second
	notice := time.AfterFunc(early, func() {
		e.silence.mu.Lock()
		e.silence.notified = false // an earlier notice no longer applies
		e.silence.mu.Unlock()
		e.silence.notify(e, early, silentAfter-early)
	})
	defer notice.Stop()
	_, _ = e.client.Ping(ctx)
	return ctx.Err() == nil
}
