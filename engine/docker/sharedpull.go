package docker

import (
	"context"
	"sync"

	"github.com/ktask/ktask/engine"
)

// pullKey identifies a pull: callers share it if they need the same image and have the same pull secrets.
type pullKey struct {
	imageKey
	secrets string
}

// puller pulls an image.
type puller func(ctx context.Context, sink engine.Sink) error

// sharedPull is a pull that several callers wait for.
type sharedPull struct {
	cancel context.CancelFunc
	// done is closed after the pull, when err is set.
	done chan struct{}
	err  error
	// waiting is the number of callers that wait; the store's mutex guards it.
	waiting int

	// mu guards what follows. A slow sink delays only the callers that wait for the same image.
	mu    sync.Mutex
	sinks map[int]engine.Sink
	next  int
}

// share calls pull, or joins a pull of it that is running. A caller whose ctx ends leaves. The last one to leave cancels
// the pull and waits for its end.
func (s *imageStore) share(ctx context.Context, key pullKey, pull puller, sink engine.Sink) error {
	shared := s.join(ctx, key, pull)
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
		delete(s.pulls, key) // later callers must not join a canceled pull
	}
	s.mu.Unlock()
	if last {
		shared.cancel()
		<-shared.done
	}
	return context.Cause(ctx)
}

// join adds a caller to the pull of an image, and starts the pull if there is none.
func (s *imageStore) join(ctx context.Context, key pullKey, pull puller) *sharedPull {
	s.mu.Lock()
	defer s.mu.Unlock()
	shared, ok := s.pulls[key]
	if !ok {
		// The pull continues after the first caller's ctx has ended if others wait for it.
		pulling, cancel := context.WithCancel(context.WithoutCancel(ctx))
		shared = &sharedPull{cancel: cancel, done: make(chan struct{}), sinks: map[int]engine.Sink{}}
		if s.pulls == nil {
			s.pulls = map[pullKey]*sharedPull{}
		}
		s.pulls[key] = shared
		go func() {
			defer cancel()
			shared.err = pull(pulling, engine.SinkFunc(shared.broadcast))
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

// leave removes a caller. After it returns, the caller's sink gets no more events.
func (p *sharedPull) leave(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sinks, id)
}

// broadcast sends an event to the sinks of all callers.
func (p *sharedPull) broadcast(event engine.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, sink := range p.sinks {
		sink.Emit(event)
	}
}
