package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ktask/ktask/engine"
)

const (
	// late is how much later than the end of a log the end of its container may be reported.
	late = 3 * time.Second
	// drains is how long the output of a container that has ended may take.
	drains = 30 * time.Second
)

// follow passes on the output of the n-th start of the container, counted from 0, and returns when it has ended and its output is
// complete. unread is why it is not. The end of ctx stops the container.
func (a *attempt) follow(ctx context.Context, n int32, to io.Writer) (stopped bool, unread, err error) {
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	waiting, giveUp := context.WithCancel(ctx)
	defer giveUp()
	output := &progress{to: to}
	read := make(chan struct{})
	go func() {
		defer close(read)
		if unread = a.read(reading, n, output); apierrors.IsForbidden(unread) {
			giveUp()
		}
	}()
	switch {
	case a.pod.await(waiting, unlimited, func(pod *corev1.Pod, gone bool) bool { return over(n)(pod, gone) || a.pod.unseen() != nil }):
		if pod, gone := a.pod.get(); !over(n)(pod, gone) {
			stop()
			<-read
			return false, nil, a.engine.explain(ctx, "watch pods", a.pod.unseen())
		}
	case ctx.Err() == nil:
		<-read
		return false, nil, a.engine.explain(ctx, "read the output", unread)
	default:
		stopped = true
		if err := a.stop(ctx, n); err != nil {
			stop()
			<-read
			return stopped, nil, err
		}
	}
	output.await(read, drains)
	stop()
	<-read
	if unread == nil || stopped {
		return stopped, nil, nil
	}
	return false, &engine.Error{
		Reason: engine.EngineLost, Err: fmt.Errorf("the output of job %q is not complete: %w", a.objects.job.Name, unread),
		Remedy: engine.Remedy{Text: fmt.Sprintf("see whether `kubectl logs` works for other pods of namespace %q", a.engine.namespace)},
	}, nil
}

// read passes on the output of a start until its end. The error is why it is not complete.
func (a *attempt) read(ctx context.Context, n int32, to io.Writer) error {
	pod, _ := a.pod.get()
	l := &logs{engine: a.engine, pod: pod.Name, container: a.pod.container, to: to}
	broken := errUnread
	for {
		pod, gone := a.pod.get()
		last := over(n)(pod, gone)
		switch {
		case restarts(pod) > n+1: // the cluster has only the logs of the last two starts
			return nil
		case gone:
			return broken
		}
		l.previous = restarts(pod) > n
		err := l.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return cmp.Or(broken, err)
		case err == nil && last, apierrors.IsForbidden(err), evicted(pod): // a node removes the logs of what it evicts
			return err
		case err == nil: // the state is late: until the end is known, more may come
			wait := late
			if a.whole { // a new stream would be that of the next start, which the state does not show yet
				wait = settles
			}
			a.pod.await(ctx, wait, over(n))
		default:
			pause(ctx, again)
		}
		broken = err
	}
}

// errUnread is why there is no output: nothing of it was read before the pod was gone.
var errUnread = errors.New("the pod was gone before its log was read")

// progress is a writer that knows when something was written to it.
type progress struct {
	to      io.Writer
	written atomic.Int64
}

func (p *progress) Write(b []byte) (int, error) {
	p.written.Add(int64(len(b)))
	return p.to.Write(b)
}

// await waits until done is closed, or until nothing was written for a time.
func (p *progress) await(done <-chan struct{}, within time.Duration) {
	for {
		before := p.written.Load()
		select {
		case <-done:
			return
		case <-time.After(within):
			if p.written.Load() == before {
				return
			}
		}
	}
}
