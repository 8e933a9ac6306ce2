package docker_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/ktask/ktask/integration/engines"
)

// answer answers a request as the engine does, except for what the fault changes.
func (p *faultProxy) answer(conn net.Conn, reader *bufio.Reader, request *http.Request, how fault) error {
	over := sync.OnceFunc(func() { p.over(request) })
	defer over()
	switch how {
	case cutBefore:
		return errCut
	case fail500, fail409:
		body := `{"message":"the proxy's own failure"}`
		_, err := fmt.Fprintf(conn, "HTTP/1.1 %s Injected\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", how, len(body), body)
		return err
	case hang:
		return untilGone(conn, reader)
	case late:
		<-time.After(150 * time.Millisecond) // the fault itself
	}
	asked := time.Now()
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
	// If the client closes its connection, the engine's is closed too, as it would be without a proxy.
	gone := make(chan struct{})
	if endless.MatchString(request.URL.Path) {
		p.serving.Go(func() {
			defer close(gone)
			passInput(far, reader, how)
			_ = far.Close()
			if slices.Contains(inputFaults, how) {
				_ = conn.Close()
			}
		})
	}
	farReader := bufio.NewReader(far)
	response, err := http.ReadResponse(farReader, request)
	if how == noFault {
		p.took(time.Since(asked))
	}
	if err != nil {
		return err
	}
	defer func() {
		_ = far.Close() // before the body, which otherwise is read to its end
		_ = response.Body.Close()
	}()
	response.Body = watchedBody{response.Body, over}
	return p.forward(nearEnd{conn, reader, gone}, far, response, farReader, how)
}

// nearEnd is the client's end of a connection. If the request is the last one, gone is closed when the client has closed it.
type nearEnd struct {
	net.Conn
	reader *bufio.Reader
	gone   chan struct{}
}

// forward forwards the answer of the engine.
func (p *faultProxy) forward(to nearEnd, far net.Conn, response *http.Response, raw *bufio.Reader, how fault) error {
	last := endless.MatchString(response.Request.URL.Path)
	switch {
	case how == dropReply:
		return errCut
	case how == hangAfter && last:
		_ = to.SetReadDeadline(time.Now().Add(engines.Patience))
		<-to.gone
		return errCut
	case how == hangAfter:
		return untilGone(to, to.reader)
	case how == cutOnSignal || how == cutEmptyOnSignal:
		err := pass(to, response, raw, how)
		_ = far.Close() // or the engine would wait until its output is read
		select {
		case <-p.target.signal:
		case <-to.gone:
		}
		return err
	}
	response.Close = last
	if err := pass(to, response, raw, how); err != nil || last {
		return errors.Join(err, errCut)
	}
	return nil
}

// passInput forwards the input of a container, except for what the fault cuts off. The input begins with its length, see
// package inplace.
func passInput(far io.Writer, input *bufio.Reader, how fault) {
	if !slices.Contains(inputFaults, how) {
		_, _ = io.Copy(far, input)
		return
	}
	begin, err := input.Peek(8)
	if err != nil {
		return
	}
	size := int64(binary.LittleEndian.Uint64(begin))
	_, _ = io.CopyN(far, input, map[fault]int64{cutInInput: size / 2, cutAfterInput: size}[how])
}

// watchedBody calls begins after the first read.
type watchedBody struct {
	io.ReadCloser
	begins func()
}

func (b watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.begins()
	return n, err
}

// endless matches the requests that are the last ones on their connection.
var endless = regexp.MustCompile(`/(attach|wait|logs)$`)

// untilGone returns when the client has closed its connection, at the latest after engines.Patience.
func untilGone(conn net.Conn, reader *bufio.Reader) error {
	_ = conn.SetReadDeadline(time.Now().Add(engines.Patience))
	_, err := reader.Peek(1)
	return errors.Join(err, errCut)
}

// pass forwards an answer, except for what the fault cuts off.
func pass(conn net.Conn, response *http.Response, raw *bufio.Reader, how fault) error {
	hijacked := response.StatusCode == http.StatusSwitchingProtocols
	if hijacked {
		response.Body = io.NopCloser(raw)
	}
	switch how {
	case cutWithin:
		return cutAnswer(conn, response, hijacked, func(first []byte) []byte { return first[:len(first)/2] })
	case cutEmptyOnSignal:
		return cutAnswer(conn, response, hijacked, func([]byte) []byte { return nil })
	case cutBetween, cutOnSignal:
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

// cutAnswer forwards what some returns for the first piece of the body, and no more.
func cutAnswer(conn net.Conn, response *http.Response, hijacked bool, some func([]byte) []byte) error {
	head, err := httputil.DumpResponse(response, false)
	if err != nil {
		return err
	}
	first := make([]byte, 32<<10)
	if hijacked || response.ContentLength != 0 {
		if hijacked || response.ContentLength < 0 { // the body may come later
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
