package docker

import (
	"context"
	"sync"

	"github.com/ktask/ktask/engine"
)

// sharedPull is a pull that all who want the image wait for.
type sharedPull struct {
	cancel context.CancelFunc
	// done is closed behind the pull, when err is set.
	done chan struct{}
	err  error
	// waiting is how many callers wait; the store's mutex guards it.
	waiting int

	// mu guards what follows: a slow sink holds up those who wait for the same image, and nobody else.
	mu    sync.Mutex
	sinks map[int]engine.Sink
	next  int
}

// share pulls an image, or joins the pull of it that is under way. A caller whose ctx ends leaves; when all have
// left the pull is given up, and the last one waits for its end.
func (s *imageStore) share(ctx context.Context, key imageKey, sink engine.Sink) error {
	shared := s.join(ctx, key)
	id := shared.enter(sink)
	select {
	case <-shared.done:
		return shared.err
	case <-ctx.Done():
	}
	shared.leave(id)
	s.mu.Lock()
	shared.waiting--
	last := shared.waiting == 0
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
func (s *imageStore) join(ctx context.Context, key imageKey) *sharedPull {
	s.mu.Lock()
	defer s.mu.Unlock()
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
			shared.err = s.pull(pulling, key, engine.SinkFunc(shared.tell))
			s.mu.Lock()
			if s.pulls[key] == shared {
				delete(s.pulls, key)
			}
			s.mu.Unlock()
			close(shared.done)
		}()
	}
	shared.waiting++
	return shared
}

func (p *sharedPull) enter(sink engine.Sink) (id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	p.sinks[p.next] = sink
	return p.next
}

// leave returns when the caller hears nothing more.
func (p *sharedPull) leave(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sinks, id)
}

// tell passes an event on to those who wait.
func (p *sharedPull) tell(event engine.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, sink := range p.sinks {
		sink.Emit(event)
	}
}
