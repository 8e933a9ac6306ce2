package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Flusher is a Sink that buffers what it writes. The Runner calls Flush, from the goroutine that calls Emit, whenever
// no further event is waiting: so that a burst of output costs few writes and the last line is never held back. What goes
// wrong with a write is for the Sink to remember.
type Flusher interface {
	Flush()
}

// SinkPanicError says that the Sink of a Runner panicked. The run was stopped and cleaned up before it is returned.
type SinkPanicError struct {
	// Value is what the Sink panicked with, or nil where it ended its goroutine.
	Value any
	// Stack is the stack of the panic.
	Stack []byte
}

// Error names the value; the stack is for a bug report.
func (e *SinkPanicError) Error() string {
	if e.Value == nil {
		return "report events: the sink ended its goroutine"
	}
	return fmt.Sprintf("report events: the sink panicked: %v", e.Value)
}

// Limits of what waits for a slow sink. An emitter that finds the queue full waits: this is how a terminal that is
// slower than a task slows the task down instead of filling the memory.
const (
	maxPending      = 256
	maxPendingBytes = 1 << 20
)

// dispatcher carries events from many goroutines to one sink, in one order, in one goroutine. Times are stamped
// while the order is decided, so they never go backwards.
type dispatcher struct {
	sink Sink
	// stop is called with a *SinkPanicError when the sink breaks.
	stop context.CancelCauseFunc
	done chan struct{}

	mu      sync.Mutex
	work    sync.Cond
	space   sync.Cond
	pending []Event
	bytes   int
	closed  bool
	broken  error
}

// dispatch starts the goroutine that calls sink; close joins it.
func dispatch(sink Sink, stop context.CancelCauseFunc) *dispatcher {
	d := &dispatcher{sink: sink, stop: stop, done: make(chan struct{})}
	d.work.L, d.space.L = &d.mu, &d.mu
	go d.run()
	return d
}

// emit queues an event; it waits while the queue is full. Events after close, or for a broken sink, are dropped.
func (d *dispatcher) emit(h Header, e Event) {
	size := 0
	if line, ok := e.(OutputLine); ok {
		size = len(line.Line)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.full(size) && d.broken == nil {
		d.space.Wait()
	}
	if d.closed || d.broken != nil {
		return
	}
	h.Time = time.Now()
	d.pending = append(d.pending, e.stamped(h))
	d.bytes += size
	if len(d.pending) == 1 {
		d.work.Signal()
	}
}

// full is true where an event of that size has to wait. One event always finds room, however big it is.
func (d *dispatcher) full(size int) bool {
	return len(d.pending) == maxPending || len(d.pending) > 0 && d.bytes+size > maxPendingBytes
}

// close waits until the sink has seen every event and returns what broke it.
func (d *dispatcher) close() error {
	d.mu.Lock()
	d.closed = true
	d.work.Signal()
	d.mu.Unlock()
	<-d.done
	return d.broken
}

func (d *dispatcher) run() {
	defer close(d.done)
	returned := false
	defer func() {
		// A sink that calls runtime.Goexit, as t.FailNow does, ends up here too, with nothing to recover.
		if v := recover(); !returned {
			d.fail(&SinkPanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	flusher, _ := d.sink.(Flusher)
	var batch []Event
	for {
		batch = d.take(batch)
		if len(batch) == 0 {
			returned = true
			return
		}
		for _, e := range batch {
			d.sink.Emit(e)
		}
		if flusher != nil && d.idle() {
			flusher.Flush()
		}
	}
}

// take waits for events and swaps them for the used batch; it gives none when the dispatcher is closed and empty.
func (d *dispatcher) take(used []Event) []Event {
	clear(used)
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.pending) == 0 && !d.closed {
		d.work.Wait()
	}
	batch := d.pending
	d.pending, d.bytes = used[:0], 0
	d.space.Broadcast()
	return batch
}

func (d *dispatcher) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.pending) == 0
}

func (d *dispatcher) fail(err error) {
	d.mu.Lock()
	d.broken = err
	d.pending = nil
	d.space.Broadcast()
	d.mu.Unlock()
	d.stop(err)
}

// source is the Sink that an engine gets: it knows which task and attempt the events belong to.
type source struct {
	to   *dispatcher
	head Header
}

// Emit may be called by several goroutines at once.
func (s source) Emit(e Event) { s.to.emit(s.head, e) }
