package docker

import (
	"context"
	"sync"
)

// killSwitches connect Kill to the attempts of a run. A list of the run's containers from the engine would miss one that is
// just starting: it prints before the engine lists it as running. The zero value is ready for use.
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

// Kill kills the containers of a run, including those that are just starting. The attempts that wait for them remove them
// and return.
func (e *Engine) Kill(_ context.Context, run string) error {
	e.switches.mu.Lock()
	defer e.switches.mu.Unlock()
	if s, ok := e.switches.runs[run]; ok && !s.off {
		s.off = true
		close(s.killed)
	}
	return nil
}

// join returns a channel that is closed when the run is killed, and a function that the attempt calls at its end.
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
