package engine

import (
	"bytes"
	"io"
	"slices"
	"strings"
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
func newOutput(sink Sink, stream Stream, m *mask.Mask) io.WriteCloser {
	lines := &lineSplitter{sink: sink, stream: stream}
	return &output{WriteCloser: m.Writer(lines), lines: lines}
}

// output is a mask's writer that writes to a lineSplitter.
type output struct {
	io.WriteCloser
	lines *lineSplitter
}

// Write emits the lines that end in p together: what takes longest for a line is to pass it from one goroutine to the other.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.WriteCloser.Write(p)
	o.lines.flush()
	return n, err
}

// Close emits the rest of the stream.
func (o *output) Close() error {
	err := o.WriteCloser.Close()
	o.lines.close()
	return err
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
		l.rest, part = l.rest[:0], after
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
		l.rest = append(l.rest[:0], l.rest[cut:]...)
	}
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
