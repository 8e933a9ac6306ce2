package engine

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/ktask/ktask/engine/mask"
)

// MaxLine is the length in bytes of the longest line of output that is one event.
const MaxLine = 64 << 10

// newOutput returns a writer that turns an output stream of a container into OutputLine events. It masks the stream
// before it splits it, so it finds values that span lines. It keeps bytes as they are, also invalid UTF-8; the line
// break, "\n" or "\r\n", is a field of the event. Close emits the text after the last line break. The memory in use is
// bounded by MaxLine and the longest secret. Writing never fails. One goroutine at a time may use the writer; streams
// may share a mask, which may be nil.
//
// If parts is set, it also emits the parts of a line that does not go on for a while.
func newOutput(sink Sink, stream Stream, m *mask.Mask, parts bool) io.WriteCloser {
	lines := &lineSplitter{sink: sink, stream: stream}
	o := &output{masked: m.Writer(lines), lines: lines}
	if parts {
		o.part = time.AfterFunc(time.Hour, o.emitPart)
		o.part.Stop()
	}
	return o
}

// partAfter is how long a line does not go on before a part of it is emitted.
const partAfter = 50 * time.Millisecond

// output is a mask's writer that writes to a lineSplitter.
type output struct {
	// mu guards the rest from the timer part, which is nil if no parts are emitted.
	mu     sync.Mutex
	masked io.WriteCloser
	lines  *lineSplitter
	part   *time.Timer
	closed bool
}

// Write emits the lines that end in p together: what takes longest for a line is to pass it from one goroutine to the other.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.masked.Write(p)
	o.lines.flush()
	if o.part != nil && o.lines.unshown() > 0 {
		o.part.Reset(partAfter)
	}
	return n, err
}

// Close emits the rest of the stream.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.part != nil {
		o.part.Stop()
	}
	o.closed = true
	err := o.masked.Close()
	o.lines.close()
	return err
}

// emitPart emits what of the current line was not emitted as a part.
func (o *output) emitPart() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := o.lines.unshown(); n > 0 && !o.closed {
		l := o.lines
		l.sink.Emit(OutputPart{Stream: l.stream, Text: string(l.rest[l.shown : l.shown+n])})
		l.shown += n
	}
}

// terminalOutput masks the output of a terminal. What the mask holds back of a line appears after a while, see mask.EchoWriter.
// It may be used concurrently.
type terminalOutput struct {
	mu     sync.Mutex
	masked mask.EchoWriter
	echo   *time.Timer
	closed bool
}

func newTerminalOutput(to io.Writer, m *mask.Mask) *terminalOutput {
	o := &terminalOutput{masked: m.EchoWriter(to)}
	o.echo = time.AfterFunc(time.Hour, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if !o.closed {
			_ = o.masked.Echo() // a terminal that is gone ends the run
		}
	})
	return o
}

// Write never fails.
func (o *terminalOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = o.masked.Write(p)
	o.echo.Reset(partAfter)
	return len(p), nil
}

// Close writes the rest.
func (o *terminalOutput) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.echo.Stop()
	o.closed = true
	return o.masked.Close()
}

// lineSink is a Sink that takes several lines at once, as if Emit took one after the other. The slice is only lent.
type lineSink interface {
	emitLines(lines []OutputLine)
}

// emitLines emits lines to a sink, at once if it can take them so.
func emitLines(to Sink, lines []OutputLine) {
	if s, ok := to.(lineSink); ok {
		s.emitLines(lines)
		return
	}
	for _, line := range lines {
		to.Emit(line)
	}
}

// Bounds of what a lineSplitter takes at once.
const (
	maxPart  = 32 << 10
	maxLines = 256
)

// lineSplitter splits a stream into lines, and collects them until flush.
type lineSplitter struct {
	sink   Sink
	stream Stream
	// rest is the part of the current line that was not yet emitted.
	rest []byte
	// shown is how much of rest was emitted as parts.
	shown int
	// lines are those to emit.
	lines []OutputLine
}

// Write takes the next part of the stream.
func (l *lineSplitter) Write(p []byte) (int, error) {
	for part := range slices.Chunk(p, maxPart) {
		l.take(part)
	}
	return len(p), nil
}

// take splits a part of the stream, which is shorter than the longest line.
func (l *lineSplitter) take(part []byte) {
	if len(l.rest) > 0 {
		end, after, ended := bytes.Cut(part, []byte{'\n'})
		l.extend(end)
		if !ended {
			return
		}
		l.endLine(string(l.rest))
		l.rest, l.shown, part = l.rest[:0], 0, after
	}
	whole := bytes.LastIndexByte(part, '\n') + 1
	for line := range strings.Lines(string(part[:whole])) { // the lines share the memory of one string
		l.endLine(line[:len(line)-1])
	}
	l.extend(part[whole:])
}

// extend appends to the current line, and emits a part of it if it is too long. The carriage return of a line break does
// not count.
func (l *lineSplitter) extend(more []byte) {
	for {
		n := min(len(more), MaxLine+1-len(l.rest))
		l.rest = append(l.rest, more[:n]...)
		more = more[n:]
		if len(l.rest) <= MaxLine || len(more) == 0 && l.rest[MaxLine] == '\r' {
			return
		}
		cut := cutRunes(l.rest[:MaxLine+1])
		l.emit(OutputLine{Line: string(l.rest[:cut]), Partial: true})
		l.rest, l.shown = append(l.rest[:0], l.rest[cut:]...), max(l.shown-cut, 0)
	}
}

// unshown returns how many bytes can be emitted as the next part: not a carriage return that may belong to a line break, and no
// piece of a character.
func (l *lineSplitter) unshown() int {
	rest := bytes.TrimSuffix(l.rest[l.shown:], []byte{'\r'})
	for i := 1; i <= min(len(rest), utf8.UTFMax-1); i++ {
		if last := rest[len(rest)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return len(rest) - i
			}
			break
		}
	}
	return len(rest)
}

// close emits the line that no line break ended.
func (l *lineSplitter) close() {
	if len(l.rest) > MaxLine { // the last byte is a carriage return without a line break
		l.emit(OutputLine{Line: string(l.rest[:MaxLine]), Partial: true})
		l.rest = l.rest[MaxLine:]
	}
	if len(l.rest) > 0 {
		l.emit(OutputLine{Line: string(l.rest), Break: NoBreak})
	}
	l.rest = nil
	l.flush()
}

// endLine emits a line that a line break ended.
func (l *lineSplitter) endLine(text string) {
	text, crlf := strings.CutSuffix(text, "\r")
	line := OutputLine{Line: text}
	if crlf {
		line.Break = CRLF
	}
	l.emit(line)
}

func (l *lineSplitter) emit(line OutputLine) {
	line.Stream = l.stream
	l.lines = append(l.lines, line)
	if len(l.lines) == maxLines {
		l.flush()
	}
}

// flush emits the collected lines.
func (l *lineSplitter) flush() {
	if len(l.lines) > 0 {
		emitLines(l.sink, l.lines)
		clear(l.lines) // lets go of the texts
		l.lines = l.lines[:0]
	}
}

// cutRunes returns the index before the last byte of text, or up to three bytes before that, so that no character is
// split. In invalid UTF-8 it is the index of the last byte.
func cutRunes(text []byte) int {
	last := len(text) - 1
	for cut := last; cut > last-utf8.UTFMax; cut-- {
		if utf8.RuneStart(text[cut]) {
			return cut
		}
	}
	return last
}
