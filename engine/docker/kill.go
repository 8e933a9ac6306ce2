package docker

import (
	"context"
	"sync"
)

// killSwitches let Kill reach the attempts of a run. Asking the engine for the run's containers instead would miss the
// one that is just being started: it prints before the engine lists it as running. The zero value is ready.
type killSwitches struct {
	mu   sync.Mutex
	runs map[string]*killSwitch
}

// killSwitch is shared by the attempts of a run.
type killSwitch struct {
	killed   chan struct{}
	off      bool
	attempts int
}

// Kill kills the containers of a run, those that are just being started too. The attempts that wait for them remove
// them and return.
func (e *Engine) Kill(_ context.Context, run string) error {
	e.switches.mu.Lock()
	defer e.switches.mu.Unlock()
	if s, ok := e.switches.runs[run]; ok && !s.off {
		s.off = true
		close(s.killed)
	}
	return nil
}

// join gives the channel that is closed when a run is killed, and what the attempt calls when it is over.
func (k *killSwitches) join(run string) (killed <-chan struct{}, leave func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.runs[run]
	if !ok {
		if k.runs == nil {
			k.runs = map[string]*killSwitch{}
		}
		s = &killSwitch{killed: make(chan struct{})}
		k.runs[run] = s
	}
	s.attempts++
	return s.killed, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if s.attempts--; s.attempts == 0 {
			delete(k.runs, run)
		}
	}
}
