// Package replay completes the output of a container from the engine's log of it.
//
// An attached stream has no end mark: the stream does not show whether the container ended or the connection broke. So the
// engine keeps a log of each container. Replay reads the log after the stream and forwards what the stream lacks, once and
// in order; it reports whether the output is then complete. The package depends on nothing of engines except how their logs
// keep long lines.
package replay

import (
	"bytes"
	"hash/maphash"
	"io"
)

// partBytes is the length of the parts in which the engine keeps a long line, see daemon/logger/copier.go of moby.
const partBytes = 16 << 10

// lineOverhead is an upper bound of what the log adds to a line, or to a part of one, in bytes.
const lineOverhead = 128

// tailBytes is how much of the end of a stream is compared if the log no longer has its beginning.
const tailBytes = 64 << 10

var seed = maphash.MakeSeed()

// position is a place in a stream and a summary of everything before it. Line breaks are not in the sum: the log of
// Docker 20.10 loses the one at the end of a line that it keeps in parts.
type position struct {
	// bytes counts without line breaks.
	bytes int64
	sum   maphash.Hash
	// breaks counts the line breaks, trailing those after the last byte.
	breaks, trailing int64
	// tail is the end of what came before, without line breaks.
	tail []byte
}

func newPosition() position {
	var p position
	p.sum.SetSeed(seed)
	return p
}

// pass moves over a part of the stream.
func (p *position) pass(part []byte) {
	for len(part) > 0 {
		text, after, broken := bytes.Cut(part, []byte{'\n'})
		part = after
		if len(text) > 0 {
			p.bytes += int64(len(text))
			_, _ = p.sum.Write(text) // never fails
			p.trailing = 0
			p.keep(text)
		}
		if broken {
			p.breaks++
			p.trailing++
		}
	}
}

// keep appends to the tail, in a buffer of twice its size so that it seldom has to be moved.
func (p *position) keep(text []byte) {
	text = text[max(0, len(text)-tailBytes):]
	if len(p.tail)+len(text) > 2*tailBytes {
		p.tail = p.tail[:copy(p.tail, p.tail[max(0, len(p.tail)-tailBytes):])]
	}
	p.tail = append(p.tail, text...)
}

// endsLike reports whether two streams have the same end, as far as both are known.
func (p *position) endsLike(other *position) bool {
	n := min(len(p.tail), len(other.tail), tailBytes)
	return bytes.Equal(p.tail[len(p.tail)-n:], other.tail[len(other.tail)-n:])
}

// Forwarded is the part of a container's stream that has been forwarded. It must not be used concurrently.
type Forwarded struct {
	to io.Writer
	position
	// attached is true if text of the attached stream has been forwarded.
	attached bool
}

// Forward returns a stream that has not begun. What is written to it is forwarded to w, whose Write never fails.
func Forward(w io.Writer) *Forwarded { return &Forwarded{to: w, position: newPosition()} }

// Write forwards the next part of the attached stream.
func (f *Forwarded) Write(p []byte) (int, error) {
	f.forward(p)
	f.attached = f.bytes > 0
	return len(p), nil
}

func (f *Forwarded) forward(p []byte) {
	f.pass(p)
	_, _ = f.to.Write(p) // never fails
}

// Attached reports whether the attached stream has delivered text. Only then does a comparison show whether the log still has
// the beginning of the output.
func (f *Forwarded) Attached() bool { return f.attached }

// LogBytes returns an upper bound of the space that an engine's log takes for the stream so far.
func (f *Forwarded) LogBytes() int64 {
	return f.bytes + f.breaks + lineOverhead*(f.breaks+f.bytes/partBytes+1)
}

// Replay compares the engine's log of a stream, which is written to it, with the output already forwarded, and forwards the
// rest. It must not be used concurrently.
type Replay struct {
	forwarded *Forwarded
	// want is how far the stream had been forwarded when the replay began, sum what had been, and breaks the line
	// breaks at its end.
	want   int64
	sum    uint64
	breaks int64

	at     position
	framed bool
	// losesBreaks is true if line breaks can be missing. Parts of one line then have the same time.
	losesBreaks bool
	stamp       []byte
	// open is true if the last Write had no line break.
	open bool
	// line is the length of the current line.
	line int
	// differs is true if the log differs from what was forwarded, unsure if it does not show where lines end.
	differs, unsure bool
}

// New returns a replay of a log from its beginning. If framed is true, each Write is a line or a part of one, with its
// time and a blank before it, and with its line break if it has one. losesBreaks is true for a log that may lack the
// line break after a line that it keeps in parts.
func New(f *Forwarded, framed, losesBreaks bool) *Replay {
	return &Replay{
		forwarded: f, want: f.bytes, sum: f.sum.Sum64(), breaks: f.trailing, at: newPosition(),
		framed: framed, losesBreaks: losesBreaks,
	}
}

// Write takes the next part of the log. It never fails.
func (r *Replay) Write(p []byte) (int, error) {
	part := p
	if r.framed {
		stamp, rest, _ := bytes.Cut(p, []byte{' '})
		if r.losesBreaks && r.open && !bytes.Equal(stamp, r.stamp) { // the break of the line before is lost
			r.take([]byte{'\n'})
		}
		part = rest
		r.stamp = append(r.stamp[:0], stamp...)
		r.open = !bytes.HasSuffix(rest, []byte{'\n'})
	}
	r.take(part)
	return len(p), nil
}

// take forwards the part of p that has not been forwarded.
func (r *Replay) take(p []byte) {
	p = r.skip(p)
	if len(p) == 0 || r.differs {
		return
	}
	if !r.framed && r.losesBreaks {
		r.measure(p)
	}
	r.at.pass(p)
	r.forwarded.forward(p)
}

// skip moves over what has been forwarded, and returns the rest.
func (r *Replay) skip(p []byte) []byte {
	for len(p) > 0 && r.at.bytes < r.want {
		n := bytes.IndexByte(p, '\n')
		switch {
		case n < 0:
			n = len(p)
		case n == 0:
			n = 1
		}
		n = int(min(int64(n), max(1, r.want-r.at.bytes)))
		r.at.pass(p[:n])
		p = p[n:]
	}
	if r.at.bytes < r.want || len(p) == 0 {
		return nil
	}
	r.differs = r.at.bytes == r.want && r.at.sum.Sum64() != r.sum || r.differs
	for len(p) > 0 && r.breaks > 0 && p[0] == '\n' {
		r.at.pass(p[:1])
		p, r.breaks = p[1:], r.breaks-1
	}
	if len(p) > 0 {
		r.breaks = 0
	}
	return p
}

// measure finds lines whose break the log may have lost without a trace.
func (r *Replay) measure(p []byte) {
	for len(p) > 0 {
		line, after, ended := bytes.Cut(p, []byte{'\n'})
		r.line += len(line)
		r.unsure = r.unsure || r.line >= partBytes
		if ended {
			r.line = 0
		}
		p = after
	}
}

// Complete reports whether the whole stream has been forwarded. whole is true if the attached stream ended without a
// sign that it was cut off, rotated if the log may have lost its beginning.
func (r *Replay) Complete(whole, rotated bool) bool {
	switch {
	case r.at.bytes >= r.want:
		return !r.unsure && !r.differs && (r.at.bytes > r.want || r.at.sum.Sum64() == r.sum)
	case !whole:
		return false
	case rotated:
		return r.at.endsLike(&r.forwarded.position)
	}
	// The log is short: an engine under load closes it before it is complete.
	return true
}
