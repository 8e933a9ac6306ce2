package report

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ktask/ktask/engine"
)

// Live is Plain for a terminal. Below the output it shows how far the run is and what each task does. It draws that when no event
// is waiting and when time passes, and erases it before anything else is written.
//
// It is ktask's own, since the output of tasks above it may be a prompt or a bar of their own: bubbletea takes the terminal with
// its input, and mpb leaves its old lines when a terminal gets narrower. Live only writes, and is safe for concurrent use.
type Live struct {
	mu    sync.Mutex
	plain *Plain
	size  func() (columns, rows int)
	board board
	// drawn are the lines at the bottom, without colours, and painted is all of their text.
	drawn   []string
	painted string
	closed  bool
	stop    chan struct{}
	// ticks is set by Start. Then flushed is when the output was last written, and failure is the first failure to write.
	ticks   bool
	flushed time.Time
	failure error
}

const (
	// drawEvery is how often what has happened and the time are shown. Drawing takes much longer than to format a line of output.
	drawEvery = 50 * time.Millisecond
	// drawAfter is how old a run is when its state is shown: that of a very short one would only flicker.
	drawAfter = 300 * time.Millisecond
)

// NewLive returns a reporter like NewPlain's for a diag that is a terminal of the size that o.Size returns.
func NewLive(out, diag io.Writer, o Options) *Live {
	if o.Size == nil {
		o.Size = func() (columns, rows int) { return 80, 24 }
	}
	columns, _ := o.Size()
	o.DiagTerminal, o.label = true, columns/3
	plain := NewPlain(out, diag, o)
	plain.live = true
	l := &Live{plain: plain, size: o.Size, board: board{total: len(o.Tasks), of: map[string]*liveTask{}}, stop: make(chan struct{})}
	plain.streams.before = l.erase
	return l
}

// Start draws every drawEvery from now on, until Close.
func (l *Live) Start() {
	l.ticks = true
	ticker := time.NewTicker(drawEvery)
	go func() {
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				l.tick(now)
			case <-l.stop:
				return
			}
		}
	}()
}

func (l *Live) tick(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && !l.board.begun.IsZero() {
		l.board.now = now
		l.draw()
	}
}

// Emit writes an event.
func (l *Live) Emit(e engine.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.board.note(e)
	if _, ok := e.(engine.ImageProgress); !ok && !l.plain.options.NoOutput { // it is shown at the bottom
		l.plain.Emit(e)
	}
}

// Flush writes what is buffered and draws. What comes sooner than drawEvery after that waits for the next tick, until the run ends.
func (l *Live) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	waits := l.ticks && l.board.total > 0 && time.Since(l.flushed) < drawEvery
	if !l.closed && !waits {
		l.draw()
	}
}

// Write writes a text of ktask's own, which ends with a line break, to the terminal. It does not continue an open line of output.
func (l *Live) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.plain.streams.diag()
	if len(l.plain.open) > 0 && !bytes.HasPrefix(text, []byte("\n")) {
		_ = w.WriteByte('\n')
	}
	n, err := w.Write(text)
	if !l.closed {
		l.draw()
	}
	l.plain.Flush()
	return n, err
}

// Out returns a writer to out of lines that end with a line break.
func (l *Live) Out() io.Writer { return liveOut{l} }

type liveOut struct{ live *Live }

func (o liveOut) Write(text []byte) (int, error) {
	l := o.live
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.plain.streams.out().Write(text)
	if !l.closed {
		l.draw()
	}
	l.plain.Flush()
	return n, cmp.Or(err, l.plain.streams.writers[0].Flush())
}

// Close erases the lines at the bottom. Later events are not shown.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		close(l.stop)
		l.erase()
		l.plain.Flush()
		l.closed = true
	}
	return nil
}

// Err returns the first failure to write. It writes nothing that waits for the next tick.
func (l *Live) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ticks && !l.closed {
		return l.failure
	}
	return l.plain.Err()
}

// draw draws the lines at the bottom if they have changed, and writes what is buffered. Nothing is drawn below a line of output
// that has not ended.
func (l *Live) draw() {
	columns, rows := l.size()
	lines := l.board.lines(columns, rows)
	if len(l.plain.open) > 0 {
		lines = nil
	}
	var texts, painted []string
	for _, line := range lines {
		text, colours := line.render(l.plain.colours, columns-1)
		texts, painted = append(texts, text), append(painted, colours)
	}
	if all := strings.Join(painted, "\n"); all != l.painted {
		_, _ = l.plain.streams.diag().WriteString(all)
		l.drawn, l.painted = texts, all
	}
	l.failure, l.flushed = l.plain.Err(), time.Now()
}

// erase removes the lines at the bottom. If the terminal has become narrower since, they have more rows than lines. It erases row
// by row: tmux keeps in its history what is cleared from the first row of the screen on.
func (l *Live) erase() {
	if len(l.drawn) == 0 {
		return
	}
	columns, _ := l.size()
	rows := 0
	for _, line := range l.drawn {
		rows += max(1, (width(line)+columns-1)/max(columns, 1))
	}
	l.drawn, l.painted = nil, ""
	_, _ = l.plain.streams.diag().WriteString("\r" + eraseLine + strings.Repeat(upLine+eraseLine, rows-1))
}

// board is what is known of a run that goes on.
type board struct {
	total, done, failed int
	begun, now          time.Time
	// tasks are at work, in the order of their starts; of has them by name.
	tasks []*liveTask
	of    map[string]*liveTask
}

// liveTask is a task at work.
type liveTask struct {
	name        string
	started     time.Time
	attempt, of int
	// image is set while the image is pulled, and next while the task waits for its next attempt.
	image *engine.ImageProgress
	next  time.Time
	// last is the last line of output.
	last string
}

// mostShown is how much of a line of output is looked at: no terminal is wider.
const mostShown = 1 << 10

// note takes what an event says of the run.
func (b *board) note(e engine.Event) {
	h := e.Head()
	b.now = h.Time
	b.begun = cmp.Or(b.begun, h.Time)
	t := b.of[h.Task]
	if t == nil {
		t = &liveTask{} // the end of a task that never started, for example
	}
	switch e := e.(type) {
	case engine.TaskStarted:
		t = &liveTask{name: h.Task, started: h.Time}
		b.tasks, b.of[h.Task] = append(b.tasks, t), t
	case engine.ImageProgress:
		t.image = &e
	case engine.AttemptStarted:
		t.image, t.next, t.last = nil, time.Time{}, ""
		t.attempt, t.of = e.Attempt, e.Of
	case engine.OutputLine:
		t.last = e.Line[:min(len(e.Line), mostShown)]
	case engine.AttemptFinished:
		if e.Retry {
			t.next = h.Time.Add(e.RetryIn)
		}
	case engine.TaskFinished:
		b.done++
		if e.Result.Status != engine.Passed && e.Result.Status != engine.Canceled {
			b.failed++
		}
		delete(b.of, h.Task)
		b.tasks = slices.DeleteFunc(b.tasks, func(other *liveTask) bool { return other == t })
	case engine.RunFinished:
		b.tasks, b.total = nil, 0
	}
}
