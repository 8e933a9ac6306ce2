package docker

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/containerd/errdefs/pkg/errhttp"
	"github.com/docker/docker/client"
	"github.com/docker/go-connections/tlsconfig"
)

// hijackedStream is an answer of the engine on a connection of its own: a stream of output. Unlike the client's hijacked
// calls it can be canceled at any point, and it never uses an idle connection: an engine that shuts down still answers on
// those, and accepts no new ones.
type hijackedStream struct {
	conn net.Conn
	body io.Reader
	// within returns the time limit of each read. It may be nil.
	within func() time.Duration
}

// open requests a stream. ctx limits the time until the answer begins, not the answer.
func (e *Engine) open(ctx context.Context, method, path string, query url.Values, upgrade bool) (*hijackedStream, error) {
	conn, err := e.dial(ctx)
	if err != nil {
		return nil, unreachable{err}
	}
	// Closing the connection ends the exchange at whatever point it is.
	kept := context.AfterFunc(ctx, func() { _ = conn.Close() })
	body, err := e.converse(conn, method, path, query, upgrade)
	if !kept() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &hijackedStream{conn: conn, body: body}, nil
}

// dial connects to the endpoint as the client does.
func (e *Engine) dial(ctx context.Context) (net.Conn, error) {
	if e.endpoint.TLS == nil {
		return e.client.Dialer()(ctx)
	}
	config, err := tlsconfig.Client(*e.endpoint.TLS)
	if err != nil {
		return nil, err
	}
	at, err := client.ParseHostURL(e.endpoint.Host)
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", at.Host)
}

// converse sends the request and reads the head of the answer.
func (e *Engine) converse(conn net.Conn, method, path string, query url.Values, upgrade bool) (io.Reader, error) {
	at, err := client.ParseHostURL(e.endpoint.Host)
	if err != nil {
		return nil, err
	}
	target := url.URL{Scheme: "http", Host: at.Host, Path: at.Path + "/v" + e.client.ClientVersion() + path, RawQuery: query.Encode()}
	if at.Scheme == "unix" || at.Scheme == "npipe" || at.Scheme == "ssh" {
		target.Host, target.Path = client.DummyHost, "/v"+e.client.ClientVersion()+path
	}
	request, err := http.NewRequest(method, target.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	if upgrade {
		request.Header.Set("Connection", "Upgrade")
		request.Header.Set("Upgrade", "tcp")
	}
	if e.userAgent != "" {
		request.Header.Set("User-Agent", e.userAgent)
	}
	if err := request.Write(conn); err != nil {
		return nil, unreachable{err}
	}
	head := &io.LimitedReader{R: conn, N: mostHeader}
	reader := bufio.NewReaderSize(head, 32<<10)
	answer, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, unreachable{err}
	}
	head.N = math.MaxInt64
	if err := isPage(e.endpoint.Host, answer); err != nil {
		return nil, err
	}
	switch {
	case upgrade && answer.StatusCode == http.StatusSwitchingProtocols:
		return reader, nil
	case answer.StatusCode == http.StatusOK:
		return answer.Body, nil
	}
	words, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10)) // as much as can be read
	return nil, statusError(answer.StatusCode, words)
}

// statusError returns the error for an unsuccessful status, as the client's other calls return it.
func statusError(status int, body []byte) error {
	var answer struct{ Message string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.Message == "" {
		answer.Message = strings.TrimSpace(string(body))
	}
	return fmt.Errorf("%s (%w)", answer.Message, errhttp.ToNative(status))
}

// Read reads bytes of the answer.
func (l *hijackedStream) Read(p []byte) (int, error) {
	if l.within != nil {
		if d := l.within(); d > 0 {
			l.setDeadline(d)
		}
	}
	return l.body.Read(p)
}

// send sends bytes to the container's standard input.
func (l *hijackedStream) send(p []byte, within time.Duration) error {
	_ = l.conn.SetWriteDeadline(time.Now().Add(within)) // if the connection does not support deadlines, there is none
	_, err := l.conn.Write(p)
	return err
}

func (l *hijackedStream) setDeadline(d time.Duration) {
	// If the connection does not support deadlines, reads have none.
	_ = l.conn.SetReadDeadline(time.Now().Add(d))
}

func (l *hijackedStream) close() { _ = l.conn.Close() }

// unreachable is the failure of a connection, as opposed to an answer of the engine.
type unreachable struct{ error }

// Unwrap returns the original error, by which it is classified.
func (u unreachable) Unwrap() error { return u.error }

// cutOff reports whether a request failed because the connection did. The engine may or may not have received the request.
func cutOff(err error) bool {
	if client.IsErrConnectionFailed(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	if _, ok := errors.AsType[unreachable](err); ok {
		return true
	}
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}
