package docker

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ktask/ktask/engine"
)

// mostAnswered is the longest answer that is read as a whole, in bytes: a list of ten thousand containers.
const mostAnswered = 32 << 20

// mostHeader is the longest head of an answer, in bytes.
const mostHeader = 1 << 20

// answers is a transport that takes no answer of what is not a Docker engine: no page of a web server or of a proxy, and no
// answer without end, which would take all memory.
type answers struct {
	http.RoundTripper
	host string
}

// RoundTrip makes a request. An error about the answer is an *engine.Error.
func (a answers) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := a.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if err := isPage(a.host, answer); err != nil {
		_ = answer.Body.Close()
		return nil, err
	}
	if !isStream(request.URL.Path) {
		answer.Body = &bounded{answer.Body, a.host, request.URL.Path, mostAnswered}
	}
	return answer, nil
}

// isStream reports whether the answer to a request is read bit by bit.
func isStream(of string) bool {
	return strings.HasSuffix(of, "/events") || strings.HasSuffix(of, "/archive") || strings.HasSuffix(of, "/images/create")
}

// isPage is the error of an answer that is a web page.
func isPage(host string, answer *http.Response) error {
	if !strings.HasPrefix(strings.ToLower(answer.Header.Get("Content-Type")), "text/html") {
		return nil
	}
	return noEngine(host, fmt.Sprintf("it sends a web page (%s)", answer.Status))
}

// noEngine is the error of a host that answers, and not as a Docker engine.
func noEngine(host, why string) error {
	return &engine.Error{
		Reason: engine.EngineRefused,
		Err:    fmt.Errorf("%s answers, and not as a Docker engine does: %s", host, why),
		Remedy: "name the address of an engine with --host, DOCKER_HOST or --docker-context: its port, and no proxy or web server",
	}
}

// bounded is the body of an answer that is read as a whole.
type bounded struct {
	io.ReadCloser
	host, path string
	left       int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &engine.Error{
			Reason: engine.EngineRefused,
			Err:    fmt.Errorf("%s answers %s with more than %d MiB", b.host, b.path, mostAnswered>>20),
			Remedy: "see whether it is a Docker engine; if it is, remove what is no longer needed there (`docker system prune`)",
		}
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
