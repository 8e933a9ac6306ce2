package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Flusher is a Sink that buffers what it writes. The Runner calls Flush, from the goroutine that calls Emit, whenever
// no further event is waiting: a burst of output then costs few writes, and the last line is not held back. The Sink
// keeps the errors of its writes.
type Flusher interface {
	Flush()
}

// SinkPanicError reports that the Sink of a Runner panicked. The run was stopped and cleaned up before Run returns it.
type SinkPanicError struct {
	// Value is the value of the panic, or nil if the Sink ended its goroutine.
	Value any
	// Stack is the stack of the panic.
	Stack []byte
}

// Error returns a text with the value; the stack is for a bug report.
func (e *SinkPanicError) Error() string {
	if e.Value == nil {
		return "report events: the sink ended its goroutine"
	}
	return fmt.Sprintf("report events: the sink panicked: %v", e.Value)
}

// Limits of what waits for a slow sink. Emitting to a full queue blocks: a terminal that is slower than a task slows the
// task down instead of filling the memory.
const (
	maxQueued      = 4096
	maxQueuedBytes = 1 << 20
)

// eventQueue carries events from many goroutines to one sink, in one order, in one goroutine. It sets the times of the
// events in that order, so they never go backwards.
type eventQueue struct {
	sink Sink
	// stop is called with a *SinkPanicError when the sink panics.
	stop context.CancelCauseFunc
	done chan struct{}

	mu       sync.Mutex
	notEmpty sync.Cond
	notFull  sync.Cond
	queued   []Event
	bytes    int
	closed   bool
	failure  error
}

// newEventQueue starts the goroutine that calls sink; close joins it.
func newEventQueue(sink Sink, stop context.CancelCauseFunc) *eventQueue {
	q := &eventQueue{sink: sink, stop: stop, done: make(chan struct{})}
	q.notEmpty.L, q.notFull.L = &q.mu, &q.mu
	go q.run()
	return q
}

// emit queues an event and blocks while the queue is full. It drops events after close or a failure of the sink.
func (q *eventQueue) emit(h Header, e Event) {
	size := 0
	switch e := e.(type) {
	case OutputLine:
		size = len(e.Line)
	case OutputPart:
		size = len(e.Text)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.full(size) && q.failure == nil {
		q.notFull.Wait()
	}
	if q.closed || q.failure != nil {
		return
	}
	h.Time = time.Now()
	q.queued = append(q.queued, e.withHeader(h))
	q.bytes += size
	q.notEmpty.Signal()
}

// emitLines queues lines as emit queues each of them. Lines get the same time if they need not wait.
func (q *eventQueue) emitLines(h Header, lines []OutputLine) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer q.notEmpty.Signal() // not before: the sink's goroutine could only wait for the lock
	h.Time = time.Now()
	for _, line := range lines {
		for q.full(len(line.Line)) && q.failure == nil {
			q.notEmpty.Signal()
			q.notFull.Wait()
			h.Time = time.Now()
		}
		if q.closed || q.failure != nil {
			return
		}
		line.Header = h
		q.queued = append(q.queued, line)
		q.bytes += len(line.Line)
	}
}

// full reports whether an event of that size has to wait. An empty queue takes any event.
func (q *eventQueue) full(size int) bool {
	return len(q.queued) == maxQueued || len(q.queued) > 0 && q.bytes+size > maxQueuedBytes
}

// close waits until the sink has received every event and returns the failure of the sink, if any.
func (q *eventQueue) close() error {
	q.mu.Lock()
	q.closed = true
	q.notEmpty.Signal()
	q.mu.Unlock()
	<-q.done
	return q.failure
}

func (q *eventQueue) run() {
	defer close(q.done)
	returned := false
	defer func() {
		// A sink that calls runtime.Goexit, as t.FailNow does, gets here too, with nothing to recover.
		if v := recover(); !returned {
			q.fail(&SinkPanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	flusher, _ := q.sink.(Flusher)
	var batch []Event
	for {
		batch = q.take(batch)
		if len(batch) == 0 {
			returned = true
			return
		}
		for _, e := range batch {
			q.sink.Emit(e)
		}
		if flusher != nil && q.empty() {
			flusher.Flush()
		}
	}
}

// take waits for events and returns them in exchange for the used batch. It returns none if the queue is closed and
// empty.
func (q *eventQueue) take(used []Event) []Event {
	clear(used)
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.queued) == 0 && !q.closed {
		q.notEmpty.Wait()
	}
	batch := q.queued
	q.queued, q.bytes = used[:0], 0
	q.notFull.Broadcast()
	return batch
}

func (q *eventQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.queued) == 0
}

func (q *eventQueue) fail(err error) {
	q.mu.Lock()
	q.failure = err
	q.queued = nil
	q.notFull.Broadcast()
	q.mu.Unlock()
	q.stop(err)
}

// attemptSink is the Sink that an engine gets. It adds the task and attempt to the events.
type attemptSink struct {
	queue  *eventQueue
	header Header
}

// Emit may be called by several goroutines at once.
func (s attemptSink) Emit(e Event) { s.queue.emit(s.header, e) }

func (s attemptSink) emitLines(lines []OutputLine) { s.queue.emitLines(s.header, lines) }
