package local

// With Options.Warm, a run leaves containers for the next one: they are started, and wait for what they run (see
// docker.Engine.Ready). A process holds them, the pool. It is the guardian of a run, which goes on after the run; later runs use
// it instead of making another one. So there is one pool for each engine and version of ktask, with a number of containers for
// each of the needs of the last run. It ends after some idle minutes.
//
// The processes talk at a socket in the directory of this user's runs, one JSON value for each request and answer. A run that
// takes a container holds its connection until it has removed the container; if the connection ends before, the pool removes
// it. If the pool is killed, the containers that wait end by themselves, and the run that has one claims it.

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/owner"
)

const (
	// poolIdle is how long a pool waits for a request. The containers wait longer.
	poolIdle = 2 * time.Minute
	// poolAnswers is how long a run waits for an answer of a pool.
	poolAnswers = time.Second
	// MostWarm is the largest number of containers that are prepared for each of the needs of a run.
	MostWarm = 16
)

// poolRequest is a request to a pool. One field is set.
type poolRequest struct {
	// Take asks for a container with these needs.
	Take string `json:",omitempty"`
	// Fill sets what the pool prepares.
	Fill *poolFill `json:",omitempty"`
	// End ends the pool, which answers when it has removed everything.
	End bool `json:",omitempty"`
}

type poolFill struct {
	Count int
	Needs []string
}

// poolAnswer is the answer to a request.
type poolAnswer struct {
	Handover *docker.Handover `json:",omitempty"`
	// Run is the run of the pool's containers.
	Run string `json:",omitempty"`
}

// WarmPool returns the pool of an engine for docker.Options.Pool. It need not exist yet. A version of ktask has a pool of its own.
func WarmPool(runs owner.Runs, o EngineOptions, version string) (docker.Pool, error) {
	dir, err := runs.Directory()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(requestedEngine{EngineOptions: o.absolute()})
	if err != nil {
		return nil, err
	}
	return poolClient{path: filepath.Join(dir, fmt.Sprintf("warm-%x", sha256.Sum256(append(text, version...)))[:21]), runs: runs}, nil
}

// poolClient makes requests to the pool at a socket.
type poolClient struct {
	path string
	runs owner.Runs
}

// request makes a request. The connection stays open; ok is false if there is no pool.
func (c poolClient) request(r poolRequest, within time.Duration) (conn net.Conn, answer poolAnswer, ok bool) {
	conn, err := net.DialTimeout("unix", c.path, poolAnswers)
	if err != nil {
		return nil, answer, false
	}
	_ = conn.SetDeadline(time.Now().Add(within))
	err = json.NewEncoder(conn).Encode(r)
	if err == nil {
		err = json.NewDecoder(conn).Decode(&answer)
	}
	if err != nil {
		_ = conn.Close()
		return nil, answer, false
	}
	_ = conn.SetDeadline(time.Time{})
	return conn, answer, true
}

// Take implements docker.Pool.
func (c poolClient) Take(needs string) (h docker.Handover, done func(), ok bool) {
	conn, answer, ok := c.request(poolRequest{Take: needs}, poolAnswers)
	if !ok {
		return h, nil, false
	}
	if answer.Handover == nil {
		_ = conn.Close()
		return h, nil, false
	}
	var ended sync.WaitGroup
	ended.Go(func() { // nothing is sent, so the read ends with the connection
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, net.ErrClosed) {
			return
		}
		if claim, err := c.runs.Claim(answer.Run); err == nil { // the pool is gone
			claim.Leave()
		}
	})
	return *answer.Handover, func() {
		_, _ = io.WriteString(conn, dismissed) // fails if the pool is gone
		_ = conn.Close()
		ended.Wait()
	}, true
}

// fill sets what the pool prepares. It reports whether there is a pool.
func (c poolClient) fill(f poolFill) bool {
	conn, _, ok := c.request(poolRequest{Fill: &f}, poolAnswers)
	if ok {
		_ = conn.Close()
	}
	return ok
}

// EndWarm ends the pools of the runs of this user, and returns how many there were.
func EndWarm(runs owner.Runs) (count int) {
	dir, err := runs.Directory()
	if err != nil {
		return 0
	}
	sockets, _ := filepath.Glob(filepath.Join(dir, "warm-*")) // errors are those of the pattern
	for _, socket := range sockets {
		conn, _, ok := poolClient{path: socket}.request(poolRequest{End: true}, time.Minute)
		if ok {
			count++
			_ = conn.Close()
		}
	}
	return count
}

// pool is the server. Its goroutine fills it; those of connections take from it.
type pool struct {
	engine *docker.Engine
	labels engine.Labels

	mu    sync.Mutex
	want  poolFill
	ready map[string][]*docker.Warm
	// changed has a value if want has changed.
	changed chan struct{}
	idle    *time.Timer
	end     context.CancelFunc
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
	ctx, end := context.WithCancel(ctx)
	p := &pool{
		engine: e, labels: engine.Labels{Run: run, Task: "warm", Owner: fmt.Sprint(os.Getpid())}, want: fill, ready: map[string][]*docker.Warm{},
		changed: make(chan struct{}, 1), idle: time.AfterFunc(poolIdle, end), end: end,
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
	failure := p.empty(context.WithoutCancel(ctx))
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
	p.ready = nil
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
		_ = p.empty(context.WithoutCancel(ctx)) // servePool reports it
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
	_ = json.NewEncoder(conn).Encode(poolAnswer{Handover: &h, Run: p.labels.Run}) // a failure shows in the read
	_ = conn.SetReadDeadline(time.Time{})
	if said, _ := io.ReadAll(input); string(said) == dismissed {
		w.LetGo()
		return
	}
	_ = w.Discard(context.WithoutCancel(ctx))
}
