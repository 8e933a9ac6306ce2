package docker

import (
	"bytes"
	"io"
)

// headBytes is how much of the output is kept. The one line that a runtime writes about a command that it cannot execute is
// shorter.
const headBytes = 2048

// head passes on the streams of a container and keeps the beginning of its output. It must not be used concurrently.
type head struct{ bytes []byte }

// of returns a writer that passes on a stream.
func (h *head) of(stream io.Writer) io.Writer { return io.MultiWriter(stream, (*headWriter)(h)) }

// only returns the line of an output that consists of one line, else "".
func (h *head) only() string {
	line, rest, _ := bytes.Cut(h.bytes, []byte{'\n'})
	if len(rest) > 0 || len(h.bytes) > headBytes {
		return ""
	}
	return string(line)
}

type headWriter head

// Write never fails.
func (h *headWriter) Write(p []byte) (int, error) {
	h.bytes = append(h.bytes, p[:min(len(p), headBytes+1-len(h.bytes))]...)
	return len(p), nil
}
