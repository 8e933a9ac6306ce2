package docker

import (
	"context"

	"github.com/ktask/ktask/engine"
)

// sharedPull is a pull that all who want the image wait for. Its fields are guarded by the store's mutex, but for
// err, which is set before done is closed.
type sharedPull struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
	// sinks are those of the callers that still wait.
	sinks map[int]engine.Sink
	next  int
}

// share pulls an image, or joins the pull of it that is under way. A caller whose ctx ends leaves; when all have
// left the pull is given up, and the last one waits for its end.
func (s *imageStore) share(ctx context.Context, key imageKey, sink engine.Sink) error {
	s.mu.Lock()
	shared, id := s.join(ctx, key, sink)
	s.mu.Unlock()

	select {
	case <-shared.done:
		return shared.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	delete(shared.sinks, id)
	last := len(shared.sinks) == 0
	if last && s.pulls[key] == shared {
		delete(s.pulls, key) // who comes now must not wait for a pull that is given up
	}
	s.mu.Unlock()
	if last {
		shared.cancel()
		<-shared.done
	}
	return context.Cause(ctx)
}

// join adds a caller to the pull of an image, and starts it where there is none.
func (s *imageStore) join(ctx context.Context, key imageKey, sink engine.Sink) (*sharedPull, int) {
	shared, ok := s.pulls[key]
	if !ok {
		// The pull outlives the first caller if others still wait for it.
		pulling, cancel := context.WithCancel(context.WithoutCancel(ctx))
		shared = &sharedPull{cancel: cancel, done: make(chan struct{}), sinks: map[int]engine.Sink{}}
		if s.pulls == nil {
			s.pulls = map[imageKey]*sharedPull{}
		}
		s.pulls[key] = shared
		go func() {
			defer cancel()
			shared.err = s.pull(pulling, key, engine.SinkFunc(func(event engine.Event) { s.tell(shared, event) }))
			s.mu.Lock()
			if s.pulls[key] == shared {
				delete(s.pulls, key)
			}
			s.mu.Unlock()
			close(shared.done)
		}()
	}
	id := shared.next
	shared.next++
	shared.sinks[id] = sink
	return shared, id
}

// tell passes an event on to those who wait. It holds the mutex, so a caller that has left hears nothing more.
func (s *imageStore) tell(shared *sharedPull, event engine.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sink := range shared.sinks {
		sink.Emit(event)
	}
}
