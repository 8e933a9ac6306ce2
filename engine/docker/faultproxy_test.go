package docker_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ktask/ktask/integration/engines"
)

// fault is a way in which a request to the engine fails.
type fault string

const (
	noFault fault = ""
	// dropReply closes the connection instead of answering, after the engine has carried out the request.
	dropReply fault = "reply dropped"
	// cutBefore closes the connection before the engine gets the request.
	cutBefore fault = "cut before"
	// cutWithin closes it in the middle of the answer: in a frame, or in its head if it has no body.
	cutWithin fault = "cut within"
	// cutBetween closes it after the first frame of the answer, so that nothing shows that more was to come.
	cutBetween fault = "cut between frames"
	// cutOnSignal is cutBetween, except that the client's end of the connection is closed later: after target.signal.
	cutOnSignal fault = "cut on a signal"
	// cutEmptyOnSignal is cutOnSignal without the first frame.
	cutEmptyOnSignal fault = "cut empty on a signal"
	// fail500 and fail409 answer instead of the engine.
	fail500 fault = "500"
	fail409 fault = "409"
	// hang never answers, and the engine never gets the request; hangAfter never answers after the engine has carried it out.
	hang      fault = "hang"
	hangAfter fault = "hang after"
	// late delays the request.
	late fault = "delay"
	// cutAtInput closes the connection when the input of a container arrives, and the engine gets none of it; cutInInput closes
	// it after half of the input, and cutAfterInput after all of it.
	cutAtInput    fault = "cut at the input"
	cutInInput    fault = "cut in the input"
	cutAfterInput fault = "cut after the input"
)

// inputFaults are those of a connection to a container that is prepared.
var inputFaults = []fault{cutAtInput, cutInInput, cutAfterInput}

var allFaults = []fault{dropReply, cutBefore, cutWithin, cutBetween, fail500, fail409, hang, hangAfter, late}

// machineSocket is the socket of the machine's engine.
const machineSocket = "/var/run/docker.sock"

// target selects the requests that fail: those of one kind, which is written as seen returns it.
type target struct {
	call string
	// nth is the first of them, counted from 1, and times their number. Zero means 1.
	nth, times int
	how        fault
	// struck is called before the engine gets such a request. It may be nil.
	struck func()
	// signal is closed by a test that uses cutOnSignal or cutEmptyOnSignal.
	signal chan struct{}
}

// faultProxy forwards requests to the engine and makes those of its target fail.
type faultProxy struct {
	listener net.Listener
	engine   string
	target   target

	mu sync.Mutex
	// calls are the requests, looks those that do not count; see next.
	calls, looks []string
	// alike counts the requests of the target's kind, struck those that failed, waits the unanswered ones for the end of a
	// container.
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
	listener, err := net.Listen("unix", engines.Socket(t))
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
	t.Cleanup(p.close)
	return p
}

func (p *faultProxy) host() string { return "unix://" + p.listener.Addr().String() }

// close closes all connections, accepts no more and waits for the proxy's goroutines.
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

// next counts a request and returns its fault. A GET while another request waits for the end of a container does not count:
// ktask makes it only if a busy engine reports the end of the output long before that of the container.
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

// waiting is the request that the engine answers at the end of a container.
const waiting = "POST /containers//wait"

// over counts a request as answered. It is also called if there will be no answer.
func (p *faultProxy) over(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seen(r) == waiting {
		p.waits--
	}
}

// took records how long the engine took for an answer.
func (p *faultProxy) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slowest = max(p.slowest, d)
}

// recorded returns the requests so far.
func (p *faultProxy) recorded() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.calls...)
}

// looked reports whether there was a request of that kind among those that do not count.
func (p *faultProxy) looked(call string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.looks, call)
}

// errCut makes serve close a connection.
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
