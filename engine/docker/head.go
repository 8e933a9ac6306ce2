package docker

import (
	"bytes"
	"io"
)

// headBytes is more than the one line that a runtime writes of a command that it cannot execute.
const headBytes = 2048

// head passes the streams of a container on and remembers how its output begins. One goroutine at a time uses it.
type head struct{ bytes []byte }

// of returns a writer that passes a stream on.
func (h *head) of(stream io.Writer) io.Writer { return io.MultiWriter(stream, (*headWriter)(h)) }

// only returns the line of an output that has but one, else "".
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
