package kubernetes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// logs passes the output of a container on, each line once, also if the stream breaks. Each line has the time at which the container
// runtime has read it. A new stream begins some time before the last line, and what is known of it is skipped. Times are not in
// order: standard output and standard error are read side by side, and times are taken before the lines are written.
type logs struct {
	engine         *Engine
	pod, container string
	to             io.Writer
	// previous reads the container before the one that runs now.
	previous bool

	// since is the time at which a new stream begins; it is a whole second. No line comes later than another by more than the second
	// before that of the latest line.
	since time.Time
	// passed is how many lines of a time were passed on, by the nanoseconds since 1970, for the times from since on.
	passed map[int64]int
	// part is how many bytes were passed on of the line that has the time cut, when the stream broke in it.
	cut  int64
	part int
}

// follow passes on what the container writes until its stream ends. An error means that the stream broke, or that there is none yet.
func (l *logs) follow(ctx context.Context) error {
	o := &corev1.PodLogOptions{Container: l.container, Follow: true, Timestamps: true, Previous: l.previous}
	if !l.since.IsZero() {
		o.SinceTime = &metav1.Time{Time: l.since}
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
	known := maps.Clone(l.passed)
	for {
		text, err := r.ReadString(' ')
		if err != nil {
			return err
		}
		at, err := time.Parse(time.RFC3339Nano, strings.TrimSuffix(text, " "))
		if err != nil {
			return fmt.Errorf("read the log of pod %q: a line without its time: %w", l.pod, err)
		}
		if key := at.UnixNano(); known[key] > 0 {
			known[key]--
			err = skip(r)
		} else if err = l.line(r, key); err == nil {
			l.remember(at)
		}
		if err != nil {
			return err
		}
	}
}

// remember counts a line that was passed on as known, and forgets those that no new stream repeats.
func (l *logs) remember(at time.Time) {
	if since := at.Truncate(time.Second).Add(-time.Second); since.After(l.since) {
		l.since = since
		maps.DeleteFunc(l.passed, func(key int64, _ int) bool { return key < since.UnixNano() })
	}
	if l.passed == nil {
		l.passed = map[int64]int{}
	}
	l.passed[at.UnixNano()]++
	l.part = 0
}

// line passes the rest of a line on, without what of it was passed on before.
func (l *logs) line(r *bufio.Reader, at int64) error {
	if at != l.cut {
		l.cut, l.part = at, 0
	}
	skip := l.part
	for {
		text, err := r.ReadSlice('\n')
		n := min(skip, len(text))
		skip -= n
		l.part += len(text) - n
		_, _ = l.to.Write(text[n:]) // it never fails
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// skip reads the rest of a line.
func skip(r *bufio.Reader) error {
	for {
		if _, err := r.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
