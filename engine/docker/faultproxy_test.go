package docker_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"regexp"
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

// faultProxy stands between a client and the engine, understands the requests, and lets one of them go wrong.
type faultProxy struct {
	listener net.Listener
	engine   string
	// at is the number of the request that goes wrong, from 1, and how.
	at  int
	how fault
	// match is the request that goes wrong where it has no number: the first of its kind, as many as matches says.
	match   string
	matches int

	mu      sync.Mutex
	calls   []string
	conns   map[net.Conn]bool
	closed  bool
	serving sync.WaitGroup
}

// newFaultProxy listens in front of the engine at a socket.
func newFaultProxy(t testing.TB, socket string, at int, how fault) *faultProxy {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask-fault") // a test's own directory can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	p := &faultProxy{listener: listener, engine: socket, at: at, how: how, conns: map[net.Conn]bool{}}
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

// next counts a request and says what becomes of it.
func (p *faultProxy) next(r *http.Request) fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, seen(r))
	if seen(r) == p.match && p.matches > 0 {
		p.matches--
		return p.how
	}
	if len(p.calls) == p.at {
		return p.how
	}
	return noFault
}

// recorded are the requests so far.
func (p *faultProxy) recorded() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.calls...)
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

func (p *faultProxy) answer(conn net.Conn, reader *bufio.Reader, request *http.Request, how fault) error {
	switch how {
	case cutBefore:
		return errCut
	case fail500, fail409:
		body := `{"message":"the proxy's own failure"}`
		_, err := fmt.Fprintf(conn, "HTTP/1.1 %s Injected\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", how, len(body), body)
		return err
	case hang:
		return p.untilGone(reader)
	case late:
		time.Sleep(150 * time.Millisecond)
	}
	far, err := net.Dial("unix", p.engine)
	if err != nil {
		return err
	}
	if !p.track(far) {
		return errCut
	}
	defer p.release(far)
	if err := request.Write(far); err != nil {
		return err
	}
	// A client that goes away takes its request along, as it would without a proxy.
	farReader := bufio.NewReader(far)
	last := endless.MatchString(request.URL.Path)
	gone := make(chan struct{})
	if last {
		p.serving.Go(func() {
			defer close(gone)
			_, _ = reader.Peek(1)
			_ = far.Close()
		})
	}
	response, err := http.ReadResponse(farReader, request)
	if err != nil {
		return err
	}
	defer func() {
		_ = far.Close() // before the body, of which the rest would be awaited
		_ = response.Body.Close()
	}()
	switch how {
	case dropReply:
		return errCut
	case hangAfter:
		if last {
			<-gone
			return errCut
		}
		_ = far.Close()
		return p.untilGone(reader)
	}
	response.Close = last
	if err := pass(conn, response, farReader, how); err != nil || last {
		return errors.Join(err, errCut)
	}
	return nil
}

// endless are the answers behind which no request comes on the same connection.
var endless = regexp.MustCompile(`/(attach|wait|logs)$`)

// untilGone returns when the client has closed its connection.
func (p *faultProxy) untilGone(reader *bufio.Reader) error {
	_, err := reader.Peek(1)
	return errors.Join(err, errCut)
}

// pass gives the answer on, as far as the fault lets it.
func pass(conn net.Conn, response *http.Response, raw *bufio.Reader, how fault) error {
	hijacked := response.StatusCode == http.StatusSwitchingProtocols
	if hijacked {
		response.Body = io.NopCloser(raw)
	}
	switch how {
	case cutWithin:
		return cutAnswer(conn, response, hijacked, func(first []byte) []byte { return first[:len(first)/2] })
	case cutBetween:
		return cutAnswer(conn, response, hijacked, func(first []byte) []byte { return first })
	}
	if !hijacked {
		return response.Write(conn)
	}
	head, err := httputil.DumpResponse(response, false)
	if err != nil {
		return err
	}
	if _, err := conn.Write(head); err != nil {
		return err
	}
	_, _ = io.Copy(conn, raw)
	return errCut
}

// cutAnswer gives on what some makes of the first piece of the body, and no more.
func cutAnswer(conn net.Conn, response *http.Response, hijacked bool, some func([]byte) []byte) error {
	head, err := httputil.DumpResponse(response, false)
	if err != nil {
		return err
	}
	first := make([]byte, 32<<10)
	if hijacked || response.ContentLength != 0 {
		if hijacked || response.ContentLength < 0 { // it comes in its own time
			if _, err := conn.Write(head); err != nil {
				return err
			}
			head = nil
		}
		n, _ := response.Body.Read(first)
		first = some(first[:n])
	} else {
		head, first = some(head), nil
	}
	if response.ContentLength < 0 && !hijacked && len(first) > 0 {
		first = fmt.Appendf(nil, "%x\r\n%s", len(first)+1, first)
	}
	_, err = conn.Write(append(head, first...))
	return errors.Join(err, errCut)
}

// soak says whether the long versions run.
func soak() bool { return os.Getenv("KTASK_SOAK") != "" }
