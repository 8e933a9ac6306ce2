package docker_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"
)

// fault is what becomes of one request to the engine.
type fault string

const (
	noFault fault = ""
	// dropReply lets the engine do the work and closes the connection instead of answering.
	dropReply fault = "reply dropped"
	// cutBefore closes the connection before the engine hears of the request.
	cutBefore fault = "cut before"
	// cutWithin closes it in the middle of the answer: of its head where it has no body, of a frame where it has any.
	cutWithin fault = "cut within"
	// cutBetween closes it behind the first frame of the answer, where nothing shows that more was to come.
	cutBetween fault = "cut between frames"
	// cutOnWord is cutBetween, but for the client's end of the connection: that is cut when target.word is closed.
	cutOnWord fault = "cut on a word"
	// fail500 and fail409 answer in place of the engine.
	fail500 fault = "500"
	fail409 fault = "409"
	// hang never answers, and the engine never hears of the request; hangAfter lets it do the work.
	hang      fault = "hang"
	hangAfter fault = "hang after"
	// late lets the request wait.
	late fault = "delay"
)

var allFaults = []fault{dropReply, cutBefore, cutWithin, cutBetween, fail500, fail409, hang, hangAfter, late}

// machineSocket is that of the machine's engine.
const machineSocket = "/var/run/docker.sock"

// target is what goes wrong: requests of one kind, which is written as seen gives it.
type target struct {
	call string
	// nth is the first of them, from 1, which zero means too, and times their number; zero is one.
	nth, times int
	how        fault
	// struck is called before the engine hears of such a request, where it is not nil.
	struck func()
	// word is that of cutOnWord.
	word chan struct{}
}

// faultProxy stands between a client and the engine, understands the requests, and lets its target go wrong.
type faultProxy struct {
	listener net.Listener
	engine   string
	target   target

	mu sync.Mutex
	// calls are the requests, looks those that do not count.
	calls, looks []string
	// alike counts the requests of the target's kind, struck those that went wrong, waits the unanswered ones that wait
	// for the end of a container.
	alike, struck, waits int
	// slowest is the longest time that the engine took for an answer.
	slowest time.Duration
	conns   map[net.Conn]bool
	closed  bool
	serving sync.WaitGroup
}

// newFaultProxy listens in front of the engine at a socket.
func newFaultProxy(t testing.TB, socket string, target target) *faultProxy {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask-fault") // a test's own directory can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	p := &faultProxy{listener: listener, engine: socket, target: target, conns: map[net.Conn]bool{}}
	p.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if p.track(conn) {
				p.serving.Go(func() {
					p.serve(conn)
					p.release(conn)
				})
			}
		}
	})
	t.Cleanup(func() {
		p.close()
		_ = os.RemoveAll(dir)
	})
	return p
}

func (p *faultProxy) host() string { return "unix://" + p.listener.Addr().String() }

// close cuts all connections, takes no more and waits for its goroutines.
func (p *faultProxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for conn := range p.conns {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.serving.Wait()
}

func (p *faultProxy) track(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = conn.Close()
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *faultProxy) release(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

var (
	variable = regexp.MustCompile(`^/v[\d.]+|[0-9a-f]{64}|ktask-[^/]+`)
	seen     = func(r *http.Request) string { return r.Method + " " + variable.ReplaceAllString(r.URL.Path, "") }
)

// next counts a request and says what becomes of it. What looks at a container while another request waits for its end
// does not count: that comes only where a busy engine tells the end of the output long before that of the container.
func (p *faultProxy) next(r *http.Request) fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	call := seen(r)
	if r.Method == http.MethodGet && p.waits > 0 {
		p.looks = append(p.looks, call)
		return noFault
	}
	p.calls = append(p.calls, call)
	if call == waiting {
		p.waits++
	}
	if call != p.target.call {
		return noFault
	}
	p.alike++
	if first := max(p.target.nth, 1); p.alike < first || p.alike >= first+max(p.target.times, 1) {
		return noFault
	}
	p.struck++
	if p.target.struck != nil {
		p.target.struck()
	}
	return p.target.how
}

// waiting is the request that is answered at the end of a container.
const waiting = "POST /containers//wait"

// over says that a request has been answered, or never will be.
func (p *faultProxy) over(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seen(r) == waiting {
		p.waits--
	}
}

// took notes how long the engine took for an answer.
func (p *faultProxy) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slowest = max(p.slowest, d)
}

// recorded are the requests so far.
func (p *faultProxy) recorded() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.calls...)
}

// looked says whether there was a request of a kind that does not count.
func (p *faultProxy) looked(call string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.looks, call)
}

// errCut ends a connection.
var errCut = errors.New("cut")

// serve answers the requests of a connection until it ends.
func (p *faultProxy) serve(conn net.Conn) {
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		// All of it, so that a connection is never cut while the client still writes.
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		request.Body, request.ContentLength, request.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		if len(body) == 0 {
			request.Body = http.NoBody
		}
		if err := p.answer(conn, reader, request, p.next(request)); err != nil {
			return
		}
	}
}
