package kubernetes

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// logs passes the output of a container on, each line once and in order, also if the stream breaks: each line has the time at which
// the container runtime has read it, and a new stream begins with the second of the last line.
type logs struct {
	engine         *Engine
	pod, container string
	to             io.Writer

	// passed is the last line that was passed on, and part how many bytes of the next one were.
	passed mark
	part   int
}

// mark is a line's place in a log: the n-th line of a time. Times have the same length, so they can be compared as text.
type mark struct {
	time string
	n    int
}

func (m mark) compare(other mark) int {
	return cmp.Or(cmp.Compare(m.time, other.time), cmp.Compare(m.n, other.n))
}

// follow passes on what the container writes until its stream ends. An error means that the stream broke, or that there is none yet.
func (l *logs) follow(ctx context.Context) error {
	o := &corev1.PodLogOptions{Container: l.container, Follow: true, Timestamps: true}
	if since, err := time.Parse(time.RFC3339Nano, strings.TrimSuffix(l.passed.time, " ")); err == nil {
		o.SinceTime = &metav1.Time{Time: since}
	}
	stream, err := l.engine.core.Get().Namespace(l.engine.namespace).Resource("pods").Name(l.pod).SubResource("log").
		VersionedParams(o, l.engine.parameters).Stream(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	if err := l.pass(stream); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// pass passes the lines of a stream on which have not been passed on. It returns the error of the stream, which is io.EOF at its end.
func (l *logs) pass(stream io.Reader) error {
	r := bufio.NewReaderSize(stream, 64<<10)
	var at mark
	for {
		text, err := r.ReadString(' ')
		if err != nil {
			return err
		}
		if text != at.time {
			at = mark{time: text}
		}
		at.n++
		known := at.compare(l.passed) <= 0
		if err := l.line(r, known); err != nil {
			return err
		}
		if !known {
			l.passed, l.part = at, 0
		}
	}
}

// line passes the rest of a line on, without what of it was passed on before, or skips all of it.
func (l *logs) line(r *bufio.Reader, known bool) error {
	skip := l.part
	for {
		text, err := r.ReadSlice('\n')
		if !known {
			n := min(skip, len(text))
			skip -= n
			l.part += len(text) - n
			_, _ = l.to.Write(text[n:]) // it never fails
		}
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}
