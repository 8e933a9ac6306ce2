package docker

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/ktask/ktask/engine"
)

// mostAnswered is the size limit, in bytes, of an answer that is read as a whole. A list of ten thousand containers fits in
// it.
const mostAnswered = 32 << 20

// mostHeader is the size limit of the head of an answer, in bytes.
const mostHeader = 1 << 20

// heard is what an engine says of itself in each answer: its name with its version, and its time.
type heard struct{ server, date string }

// answers is a transport that rejects what no Docker engine answers: web pages of a server or proxy, and answers without
// end, which would fill the memory.
type answers struct {
	http.RoundTripper
	host  string
	heard *atomic.Pointer[heard]
}

// RoundTrip sends a request, notes what the engine says of itself, and checks the answer. It returns an *engine.Error if the answer is rejected.
func (a answers) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := a.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if server := answer.Header.Get("Server"); server != "" {
		a.heard.Store(&heard{server, answer.Header.Get("Date")})
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

// isStream reports whether the answer to a request for this path is read as it arrives, and thus has no size limit.
func isStream(path string) bool {
	for _, end := range []string{"/events", "/archive", "/images/create", "/images/get", "/images/load", "/build"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}

// isPage returns an error if the answer is a web page, else nil.
func isPage(host string, answer *http.Response) error {
	if !strings.HasPrefix(strings.ToLower(answer.Header.Get("Content-Type")), "text/html") {
		return nil
	}
	return noEngine(host, fmt.Sprintf("it sends a web page (%s)", answer.Status))
}

// noEngine returns the error of a host that answers, but not as a Docker engine does.
func noEngine(host, why string) error {
	return &engine.Error{
		Reason: engine.EngineRefused,
		Err:    fmt.Errorf("%s answers, but not as a Docker engine does: %s", host, why),
		Remedy: engine.Remedy{Option: engine.OptionHost},
	}
}

// bounded limits the body of an answer that is read as a whole.
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
			Remedy: engine.Remedy{Text: "check that it is a Docker engine; if it is, remove what is no longer needed there (`docker system prune`)"},
		}
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
