package docker

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/ktask/ktask/engine"
)

// overSSH reports whether a host is reached with ssh.
func overSSH(host string) bool { return strings.HasPrefix(host, "ssh://") }

// sshTransport returns the transport for a host. Its errors are of type *sshError if the host is reached with ssh.
func sshTransport(host string, transport http.RoundTripper) http.RoundTripper {
	if !overSSH(host) {
		return transport
	}
	return sshRequests{transport}
}

type sshRequests struct{ http.RoundTripper }

// RoundTrip sends a request.
func (s sshRequests) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := s.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, &sshError{err}
	}
	return answer, nil
}

// sshError is the failure of a connection through ssh. Its text is not that of the cause, because the client drops errors whose
// text looks like the failure of a local socket.
type sshError struct{ cause error }

// Error returns that the connection failed.
func (e *sshError) Error() string { return "the connection through ssh failed" }

// Unwrap returns the cause.
func (e *sshError) Unwrap() error { return e.cause }

// sshFailure returns the *sshError in the failure of a request. Those of attached streams have none.
func sshFailure(err error) *sshError {
	if failure, ok := errors.AsType[*sshError](err); ok {
		return failure
	}
	return &sshError{err}
}

// printed returns what ssh or the docker command on the host has printed, in one line, or "". The connection helper's error has it
// at its end.
func (e *sshError) printed() string {
	_, printed, _ := strings.Cut(e.cause.Error(), "stderr=")
	return strings.Join(strings.FieldsFunc(printed, unicode.IsControl), "; ")
}

// socketFailed reports whether ssh works, but docker on the host cannot reach its engine. It returns the reason if docker prints it.
func (e *sshError) socketFailed() (why string, failed bool) {
	printed := e.printed()
	if strings.Contains(printed, "Cannot connect to the Docker daemon") {
		return "", true
	}
	_, dial, failed := strings.Cut(printed, "dial unix ")
	if i := strings.LastIndex(dial, ": "); i >= 0 {
		why = dial[i+2:]
	}
	return why, failed
}

// explained returns the error for the user of a host.
func (e *sshError) explained(host string) error {
	if why, failed := e.socketFailed(); failed {
		socket := "its engine"
		if u, err := url.Parse(host); err == nil && u.Path != "" {
			socket = "unix://" + u.Path
		}
		return errors.New(strings.TrimSuffix(fmt.Sprintf("docker on that host cannot reach %s: %s", socket, why), ": "))
	}
	if printed := e.printed(); printed != "" {
		return fmt.Errorf("ssh: %s", strings.TrimPrefix(printed, "ssh: "))
	}
	return e.cause
}

// remedy returns what to do.
func (e *sshError) remedy(host string) engine.Remedy {
	if _, failed := e.socketFailed(); failed {
		return engine.Remedy{Text: "start Docker there", Option: engine.OptionHost}
	}
	return engine.Remedy{Text: fmt.Sprintf("make `DOCKER_HOST=%s docker version` work without a question: a key in ssh's agent, the host in its known_hosts, docker there", host)}
}
