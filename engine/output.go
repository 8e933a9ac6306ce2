package engine

import (
	"bytes"
	"io"
	"unicode/utf8"

	"github.com/ktask/ktask/engine/mask"
)

// MaxLine is the length in bytes up to which a line of output is told in one piece.
const MaxLine = 64 << 10

// newOutput returns a writer that turns a stream of a container into OutputLine events. Secrets are masked in the
// bytes, before there are lines, so a value is found however it was written. Bytes are kept as they are, invalid
// UTF-8 too; the line break, "\n" or "\r\n", is told beside the line. What stands behind the last line break is told at
// Close. The memory in use is bounded by MaxLine and the longest secret. Writing never fails; one goroutine at a
// time may call it. The mask may be shared by streams, and nil.
func newOutput(sink Sink, stream Stream, m *mask.Mask) io.WriteCloser {
	lines := &lines{sink: sink, stream: stream}
	return &output{WriteCloser: m.Writer(lines), lines: lines}
}

// output is the mask with the lines behind it.
type output struct {
	io.WriteCloser
	lines *lines
}

// Close tells what is left of the stream.
func (o *output) Close() error {
	err := o.WriteCloser.Close()
	o.lines.close()
	return err
}

// lines splits a stream into lines.
type lines struct {
	sink   Sink
	stream Stream
	// rest is the line that has begun, as far as it has not been told.
	rest []byte
}

// Write takes any part of the stream.
func (l *lines) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		rest = after
		if ended && len(l.rest) == 0 && len(line) <= MaxLine {
			l.end(line)
			continue
		}
		l.extend(line)
		if ended {
			l.end(l.rest)
			l.rest = l.rest[:0]
		}
	}
	return len(p), nil
}

// extend adds to the line that has begun, and tells parts of it once it is certain that it is too long: the
// carriage return of a line break does not count.
func (l *lines) extend(more []byte) {
	for {
		n := min(len(more), MaxLine+1-len(l.rest))
		l.rest = append(l.rest, more[:n]...)
		more = more[n:]
		if len(l.rest) <= MaxLine || len(more) == 0 && l.rest[MaxLine] == '\r' {
			return
		}
		cut := wholeRunes(l.rest[:MaxLine+1])
		l.emit(OutputLine{Line: string(l.rest[:cut]), Partial: true})
		l.rest = append(l.rest[:0], l.rest[cut:]...)
	}
}

// close tells the line that no line break ended.
func (l *lines) close() {
	if len(l.rest) > MaxLine { // the byte too many is a carriage return without a line break
		l.emit(OutputLine{Line: string(l.rest[:MaxLine]), Partial: true})
		l.rest = l.rest[MaxLine:]
	}
	if len(l.rest) > 0 {
		l.emit(OutputLine{Line: string(l.rest), Break: NoBreak})
	}
	l.rest = nil
}

// end tells a line that a line break ended; its carriage return is part of that.
func (l *lines) end(line []byte) {
	line, windows := bytes.CutSuffix(line, []byte{'\r'})
	told := OutputLine{Line: string(line)}
	if windows {
		told.Break = CRLF
	}
	l.emit(told)
}

func (l *lines) emit(line OutputLine) {
	line.Stream = l.stream
	l.sink.Emit(line)
}

// wholeRunes gives the place before the last byte of text, or up to three bytes before it, so that no character
// is split; in bytes that are no UTF-8 it is before the last byte.
func wholeRunes(text []byte) int {
	last := len(text) - 1
	for cut := last; cut > last-utf8.UTFMax; cut-- {
		if utf8.RuneStart(text[cut]) {
			return cut
		}
	}
	return last
}
