package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/local/internal/guard"
)

// pool is the server of the protocol that warm.go describes. Its goroutine fills it; those of connections take from it.
type pool struct {
	engine *docker.Engine
	labels engine.Labels
	runs   owner.Runs

	mu    sync.Mutex
	want  poolFill
	ready map[string][]*docker.Warm
	// changed has a value if want has changed.
	changed chan struct{}
	idle    *time.Timer
	end     context.CancelFunc
	// emptied is closed when nothing waits any more.
	emptied chan struct{}
	conns   sync.WaitGroup
}

// servePool is a pool until it is idle. If another process serves the socket, it returns immediately.
func servePool(ctx context.Context, path string, fill poolFill, e *docker.Engine, runs owner.Runs) error {
	if conn, err := net.DialTimeout("unix", path, poolAnswers); err == nil {
		_ = conn.Close()
		return nil
	}
	_ = os.Remove(path) // of a pool that was killed
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	run := engine.NewRunID()
	claim, err := runs.Claim(run)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	claim.On(placeOf(e))
	ctx, end := context.WithCancel(ctx)
	p := &pool{
		engine: e, runs: runs, labels: engine.Labels{Run: run, Task: docker.WarmTask, Lifetime: docker.WarmLifetime, Owner: fmt.Sprintf("%d %s", os.Getpid(), time.Now().UTC().Format(time.RFC3339Nano))}, want: fill, ready: map[string][]*docker.Warm{},
		changed: make(chan struct{}, 1), emptied: make(chan struct{}), idle: time.AfterFunc(poolIdle, end), end: end,
	}
	p.changed <- struct{}{}
	stopped := context.AfterFunc(ctx, func() { _ = listener.Close() }) // which removes the socket
	defer stopped()
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.conns.Go(func() { p.serve(ctx, conn) })
		}
	}()
	p.keepFull(ctx)
	<-accepting
	failure := p.empty(context.WithoutCancel(ctx)) // nothing is prepared any more
	close(p.emptied)
	p.conns.Wait()
	if failure == nil {
		claim.Release()
	} else {
		claim.Leave()
	}
	return failure
}

// keepFull prepares containers until ctx ends.
func (p *pool) keepFull(ctx context.Context) {
	for {
		select {
		case <-p.changed:
		case <-ctx.Done():
			return
		}
		for needs := p.next(ctx); needs != ""; needs = p.next(ctx) {
			p.labels.Attempt++
			w, err := p.engine.Warm(context.WithoutCancel(ctx), needs, p.labels)
			p.mu.Lock()
			if err == nil {
				p.ready[needs] = append(p.ready[needs], w)
			} else { // the next run may want it again
				p.want.Needs = slices.DeleteFunc(slices.Clone(p.want.Needs), func(n string) bool { return n == needs })
			}
			p.mu.Unlock()
		}
	}
}

// next removes what is not wanted and returns needs of which there are too few containers, or "".
func (p *pool) next(ctx context.Context) (needs string) {
	p.mu.Lock()
	var unwanted []*docker.Warm
	for n, all := range p.ready {
		keep := all[:0:0]
		for _, w := range all {
			if !w.Ended() && slices.Contains(p.want.Needs, n) && len(keep) < p.want.Count {
				keep = append(keep, w)
			} else {
				unwanted = append(unwanted, w)
			}
		}
		p.ready[n] = keep
	}
	for _, n := range p.want.Needs {
		if len(p.ready[n]) < p.want.Count && ctx.Err() == nil {
			needs = n
			break
		}
	}
	p.mu.Unlock()
	for _, w := range unwanted {
		_ = w.Discard(context.WithoutCancel(ctx)) // the claim of the run is left at the end if something stays
	}
	return needs
}

// empty removes all containers that wait.
func (p *pool) empty(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var failures []error
	for _, all := range p.ready {
		for _, w := range all {
			failures = append(failures, w.Discard(ctx))
		}
	}
	clear(p.ready)
	return errors.Join(failures...)
}

// take returns a container with these needs for the caller alone, the one that waits for the shortest time.
func (p *pool) take(needs string) *docker.Warm {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.ready[needs]) - 1; i >= 0; i-- {
		if w := p.ready[needs][i]; !w.Ended() {
			p.ready[needs] = slices.Delete(p.ready[needs], i, i+1)
			return w
		}
	}
	return nil
}

// serve answers the request of a connection.
func (p *pool) serve(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(poolAnswers))
	input := bufio.NewReader(conn)
	line, err := input.ReadBytes('\n')
	var request poolRequest
	if err != nil || json.Unmarshal(line, &request) != nil {
		return
	}
	p.idle.Reset(poolIdle)
	switch {
	case request.Take != "":
		p.handOver(ctx, p.take(request.Take), conn, input)
	case request.Fill != nil:
		p.mu.Lock()
		p.want = poolFill{min(request.Fill.Count, MostWarm), request.Fill.Needs}
		p.mu.Unlock()
		select {
		case p.changed <- struct{}{}:
		default:
		}
		_ = json.NewEncoder(conn).Encode(poolAnswer{})
	case request.End:
		p.end()
		<-p.emptied
		_ = json.NewEncoder(conn).Encode(poolAnswer{})
	}
}

// handOver hands a container over and waits until the other process has removed it or is gone.
func (p *pool) handOver(ctx context.Context, w *docker.Warm, conn net.Conn, input io.Reader) {
	if w == nil {
		_ = json.NewEncoder(conn).Encode(poolAnswer{})
		return
	}
	h := w.Handover()
	_ = json.NewEncoder(conn).Encode(poolAnswer{Handover: &h, On: placeOf(p.engine)}) // a failure shows in the read
	_ = conn.SetReadDeadline(time.Time{})
	if said, _ := io.ReadAll(input); string(said) == guard.Dismissed {
		w.LetGo()
		return
	}
	_ = w.Discard(context.WithoutCancel(ctx))
	p.runs.Forget(h.ID) // the other process had claimed it
}
