package docker

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// How long an engine may be silent.
const (
	// noticedAfter is how long a request goes unanswered before the user hears of it.
	noticedAfter = 5 * time.Second
	// silentAfter is how long a ping goes unanswered, while a task is to be stopped, before the engine is taken to hang. A
	// busy engine answers pings.
	silentAfter = 10 * time.Second
	// silentWithin bounds each request to an engine that hangs: whether it still does.
	silentWithin = time.Second
	// pingEvery is the time between two pings.
	pingEvery = time.Second
)

// silence is what is known of an engine that does not answer. The zero value is of one that does.
type silence struct {
	mu    sync.Mutex
	hangs bool
	told  bool
	calls map[*context.CancelCauseFunc]bool
}

// unanswered is the cause of the end of a request that took too long.
type unanswered struct{ within time.Duration }

func (u unanswered) Error() string { return errNoAnswer.Error() }

// Is makes it an errNoAnswer.
func (u unanswered) Is(target error) bool { return target == errNoAnswer }

// limited is the context of a request: it ends after answerWithin, and before if the engine hangs. done ends it; answered
// reports whether the engine has answered, whatever it said.
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
	notice := time.AfterFunc(noticedAfter, func() { s.tell(e, noticedAfter, within-noticedAfter) })
	return ctx, func(answered bool) {
		notice.Stop()
		giveUp(nil)
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.calls, &giveUp)
		if answered {
			s.hangs, s.told = false, false
		}
	}
}

// tell tells the user once in a silence what ktask waits for.
func (s *silence) tell(e *Engine, since, atMost time.Duration) {
	s.mu.Lock()
	told := s.told
	s.told = true
	s.mu.Unlock()
	if !told && e.notice != nil {
		e.notice(fmt.Sprintf("the Docker engine at %s has not answered for %v, waiting up to %v more", e.endpoint.Host, since, atMost))
	}
}

// begin ends all requests: the engine hangs.
func (s *silence) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangs = true
	for giveUp := range s.calls {
		(*giveUp)(unanswered{silentAfter})
	}
}

// watchStop pings the engine from the end of ctx on: what remains to be done is little, and a user who has given up does not
// wait long for an engine that hangs. The caller calls over when all is done; it waits for what was started.
func (e *Engine) watchStop(ctx context.Context) (over func()) {
	watching, end := context.WithCancel(context.WithoutCancel(ctx))
	var work sync.WaitGroup
	work.Go(func() {
		select {
		case <-ctx.Done():
		case <-watching.Done():
			return
		}
		for e.pings(watching) {
			select {
			case <-time.After(pingEvery):
			case <-watching.Done():
				return
			}
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

// pings reports whether the engine answers, or cannot be reached: that is for others to find out.
func (e *Engine) pings(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, silentAfter)
	defer cancel()
	const early = 3 * time.Second
	notice := time.AfterFunc(early, func() {
		e.silence.mu.Lock()
		e.silence.told = false // what was said before has changed
		e.silence.mu.Unlock()
		e.silence.tell(e, early, silentAfter-early)
	})
	defer notice.Stop()
	_, _ = e.client.Ping(ctx)
	return ctx.Err() == nil
}
