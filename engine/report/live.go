package report

import (
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Live is Plain for a terminal: it adds a line at the bottom that shows what the run waits for, an image or the next
// attempt. It draws the line when no event is waiting and erases it before it writes anything else.
type Live struct {
	plain *Plain
	width int
	// waits is what each task waits for; last is the task whose wait has changed last.
	waits map[string]string
	last  string
	drawn string
}

// NewLive returns a reporter like NewPlain's for a diag that is a terminal.
func NewLive(out, diag io.Writer, o Options) *Live {
	width := o.Width
	if width < 1 {
		width = 80
	}
	o.DiagTerminal = true
	plain := NewPlain(out, diag, o)
	plain.live = true
	return &Live{plain: plain, width: width, waits: map[string]string{}}
}

// Emit writes an event.
func (l *Live) Emit(e engine.Event) {
	task := e.Head().Task
	switch e := e.(type) {
	case engine.ImageProgress:
		l.wait(task, fmt.Sprintf("%s: image %s: %s", task, e.Image, progress(e)))
		return
	case engine.AttemptStarted, engine.TaskFinished:
		delete(l.waits, task)
	case engine.AttemptFinished:
		if e.Retry && e.RetryIn > time.Second {
			l.wait(task, fmt.Sprintf("%s: waiting, next attempt in %s", task, short(e.RetryIn)))
		}
	case engine.RunFinished:
		clear(l.waits)
	}
	l.erase()
	l.plain.Emit(e)
}

// Flush writes what is buffered and draws the line at the bottom.
func (l *Live) Flush() {
	if text := l.text(); text != l.drawn && len(l.plain.open) == 0 {
		l.erase()
		if text != "" {
			_, _ = l.plain.streams.diag().WriteString(l.plain.colours.paint(dim, text))
		}
		l.drawn = text
	}
	l.plain.Flush()
}

// Err returns the first failure to write.
func (l *Live) Err() error { return l.plain.Err() }

func (l *Live) wait(task, text string) { l.waits[task], l.last = plan.OneLine(text), task }

// text returns the line at the bottom: one wait and the number of others. It never wraps, as a wrapped line cannot be
// erased.
func (l *Live) text() string {
	if len(l.waits) == 0 {
		return ""
	}
	text, ok := l.waits[l.last]
	for _, name := range l.plain.options.Tasks {
		if ok {
			break
		}
		text, ok = l.waits[name]
	}
	if more := len(l.waits) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	if utf8.RuneCountInString(text) >= l.width {
		text = string([]rune(text)[:max(l.width-2, 0)]) + "…"
	}
	return text
}

func (l *Live) erase() {
	if l.drawn != "" {
		_, _ = l.plain.streams.diag().WriteString("\r\x1b[K")
		l.drawn = ""
	}
}

// progress returns the state of an image: "pulling 12.3 MB of 45 MB".
func progress(e engine.ImageProgress) string {
	switch {
	case e.Total > 0:
		return fmt.Sprintf("%s %s of %s", e.Status, megabytes(e.Current), megabytes(e.Total))
	case e.Current > 0:
		return fmt.Sprintf("%s %s", e.Status, megabytes(e.Current))
	default:
		return e.Status
	}
}

// megabytes returns decimal megabytes, as docker shows them.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
