package docker

import (
	"bytes"
	"hash/maphash"
	"io"
	"strconv"

	"github.com/docker/docker/api/types/container"
)

// An attached stream has no end mark: whether it ended because the container did or because something between here
// and there did cannot be told from it. So the engine keeps a log of each container, which is held against what was
// told before an attempt counts as complete, and from which a stream that broke goes on.

// logBytes is the size of each of the two files that the engine keeps of a container's output. Ordinary tasks stay
// far below it, and one that prints for ever does not fill the engine's disk.
const logBytes = 8 << 20

// record is how an engine keeps a container's output. An engine that refuses one is asked for the next.
type record int32

const (
	// localLog is Docker's driver `local`, the only one of its drivers that keeps the output byte by byte: json-file
	// replaces what is no UTF-8.
	localLog record = iota
	// k8sLog is podman's driver, which does so too. It knows no second file, and begins anew when the first is full.
	k8sLog
	// noLog is for an engine that keeps nothing.
	noLog
)

func (r record) config() container.LogConfig {
	switch r {
	case localLog:
		return container.LogConfig{Type: "local", Config: map[string]string{
			"max-size": strconv.Itoa(logBytes), "max-file": "2", "compress": "false",
		}}
	case k8sLog:
		return container.LogConfig{Type: "k8s-file", Config: map[string]string{"max-size": strconv.Itoa(2 * logBytes)}}
	}
	return container.LogConfig{Type: "none"}
}

// losesBreaks says whether the log may lack the line break behind a line that it keeps in parts.
func (r record) losesBreaks() bool { return r == localLog }

// partBytes is the length of the parts in which the engine keeps a long line, see daemon/logger/copier.go of moby.
const partBytes = 16 << 10

// lineOverhead is more than the log takes for a line or a part beside its bytes.
const lineOverhead = 128

// tailed is how much of the end of a stream is compared where the log no longer has its beginning.
const tailed = 64 << 10

var seed = maphash.MakeSeed()

// position is a place in a stream and what is known of all before it. Line breaks are not in the sum: the log of
// Docker 20.10 loses the one at the end of a line that it keeps in parts.
type position struct {
	// bytes counts without line breaks.
	bytes int64
	sum   maphash.Hash
	// breaks are the line breaks so far, trailing those of them behind the last byte.
	breaks, trailing int64
	// tail is the end of it, without line breaks.
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

// keep keeps the tail, in a buffer of twice its size so that it seldom has to be moved.
func (p *position) keep(text []byte) {
	text = text[max(0, len(text)-tailed):]
	if len(p.tail)+len(text) > 2*tailed {
		p.tail = p.tail[:copy(p.tail, p.tail[max(0, len(p.tail)-tailed):])]
	}
	p.tail = append(p.tail, text...)
}

// endsLike says whether two streams have the same end, as far as both are known.
func (p *position) endsLike(other *position) bool {
	n := min(len(p.tail), len(other.tail), tailed)
	return bytes.Equal(p.tail[len(p.tail)-n:], other.tail[len(other.tail)-n:])
}

// logged is more than the engine's log takes for it.
func (p *position) logged() int64 {
	return p.bytes + p.breaks + lineOverhead*(p.breaks+p.bytes/partBytes+1)
}

// told is a stream of a container, as far as it has been told.
type told struct {
	to io.Writer
	position
}

func newTold(w io.Writer) *told { return &told{w, newPosition()} }

// Write tells a part of the stream.
func (t *told) Write(p []byte) (int, error) {
	t.pass(p)
	return t.to.Write(p)
}

// replay holds the log of a stream, which is written to it, against what was told, and tells what is missing.
type replay struct {
	told *told
	// want is the place up to which the stream was told when the replay began, breaks are those behind it.
	want   int64
	sum    uint64
	breaks int64

	at position
	// framed says that each Write is one line or part of a line, behind its time and a blank and with its break where
	// it has one.
	framed bool
	// losesBreaks says that breaks can be missing. Parts of one line then have the same time.
	losesBreaks bool
	stamp       []byte
	// open says that the last Write had no break.
	open bool
	// line is the length of the line so far.
	line int
	// differs says that something else was told, unsure that the log cannot tell where lines end.
	differs, unsure bool
}

func newReplay(t *told, framed, losesBreaks bool) *replay {
	return &replay{
		told: t, want: t.bytes, sum: t.sum.Sum64(), breaks: t.trailing, at: newPosition(),
		framed: framed, losesBreaks: losesBreaks,
	}
}

// Write takes the next part of the log.
func (r *replay) Write(p []byte) (int, error) {
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

func (r *replay) take(p []byte) {
	p = r.skip(p)
	if len(p) == 0 || r.differs {
		return
	}
	if !r.framed && r.losesBreaks {
		r.measure(p)
	}
	r.at.pass(p)
	_, _ = r.told.Write(p) // the output never fails
}

// skip passes over what was told, and gives what was not.
func (r *replay) skip(p []byte) []byte {
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

// measure finds lines of which the log may have lost the break, where nothing else shows it.
func (r *replay) measure(p []byte) {
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

// complete says whether all of the stream has been told. whole says that the stream ended without a sign that it was
// cut off, rotated that the log may have lost its beginning.
func (r *replay) complete(whole, rotated bool) bool {
	switch {
	case r.at.bytes >= r.want:
		return !r.unsure && !r.differs && (r.at.bytes > r.want || r.at.sum.Sum64() == r.sum)
	case !whole:
		return false
	case rotated:
		return r.at.endsLike(&r.told.position)
	}
	// What is short is the log, which an engine under load closes before it is complete.
	return true
}
