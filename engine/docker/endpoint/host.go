package endpoint

import (
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/docker/cli/cli/connhelper/ssh"
)

// schemes are those that the client supports.
var schemes = []string{"unix", "npipe", "tcp", "http", "https", "ssh"}

// defaultSocket is the URL of Docker's socket, as an example in remedies.
const defaultSocket = "unix:///var/run/docker.sock"

// normalHost returns a host as a URL: "/path" is a socket, and a host without a scheme is reached by TCP, both as in the docker
// command. The error is an *Error.
func normalHost(host string) (string, error) {
	scheme, rest, ok := strings.Cut(host, "://")
	if !ok {
		before, after, _ := strings.Cut(host, ":")
		switch _, err := strconv.Atoi(after); {
		case strings.HasPrefix(host, "/"):
			scheme, rest = "unix", host
		case err != nil && slices.Contains(schemes, before):
			return "", failure("write "+redacted(withSlashes(before, after)), "the Docker host %q has no :// after %s", redacted(host), before)
		default:
			scheme, rest = "tcp", host
		}
	}
	host = scheme + "://" + rest
	switch {
	case scheme == "ssh":
		return host, checkSSH(host)
	case !slices.Contains(schemes, scheme):
		return "", failure("begin it with unix://, npipe://, tcp://, http://, https:// or ssh://", "the Docker host %q has the unknown scheme %q", redacted(host), scheme)
	case scheme == "unix" || scheme == "npipe":
		return host, checkSocket(host, scheme, rest)
	}
	return host, checkAddress(host, scheme, rest)
}

// withSlashes returns the URL that the user of scheme:path has probably meant.
func withSlashes(scheme, path string) string {
	switch path = strings.TrimLeft(path, "/"); scheme {
	case "unix":
		return "unix:///" + path
	case "npipe":
		return "npipe:////./pipe/docker_engine"
	}
	return scheme + "://" + path
}

// checkSocket checks the path of a socket. A relative path is Docker's way to name a socket in the current directory, and
// more often lacks a slash.
func checkSocket(host, scheme, path string) error {
	if path == "" {
		return failure("write "+defaultSocket, "the Docker host %q names no socket", host)
	}
	if scheme == "unix" && !strings.HasPrefix(path, "/") {
		if _, err := os.Stat(path); err != nil {
			return failure("write unix:///"+path, "the Docker host %q names a socket relative to the current directory, and there is none", host)
		}
	}
	return nil
}

// checkSSH checks a URL for ssh, whose parts become arguments of ssh and of docker on the other machine.
func checkSSH(host string) error {
	const remedy = "write ssh://USER@HOST, and put options of ssh in its configuration"
	spec, err := ssh.ParseURL(host)
	switch {
	case err != nil:
		return failure(remedy, "the Docker host %q is not valid: %w", redacted(host), err)
	case strings.HasPrefix(spec.Host, "-") || strings.HasPrefix(spec.User, "-"):
		return failure(remedy, "the Docker host %q has a user or a host that begins with a hyphen", host)
	case strings.ContainsFunc(spec.User+spec.Host+spec.Path, unicode.IsControl):
		return failure(remedy, "the Docker host %q has a control character", host)
	}
	return nil
}

// checkAddress checks the host and the port of a URL.
func checkAddress(host, scheme, rest string) error {
	write := "write " + scheme + "://HOST:PORT"
	address := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		address = rest[:i]
	}
	if strings.Contains(address, "@") {
		return failure(write, "the Docker host %q has a user, which the Docker API does not take", redacted(host))
	}
	if address == "" {
		return failure(write, "the Docker host %q names no host", host)
	}
	_, port, err := net.SplitHostPort(address)
	if wrong, ok := err.(*net.AddrError); ok && wrong.Err != "missing port in address" {
		return failure(write+", and an IPv6 address in brackets", "the Docker host %q is not valid: %s", host, wrong.Err)
	}
	if n, parseErr := strconv.ParseUint(port, 10, 16); err == nil && (parseErr != nil || n == 0) {
		return failure(write, "the Docker host %q has the port %q, which is not a number from 1 to 65535", host, port)
	}
	if _, err := url.Parse(host); err != nil {
		return failure(write, "the Docker host %q is not valid: %s", host, err.(*url.Error).Err)
	}
	return nil
}

// redacted returns a host without the password that it may have.
func redacted(host string) string {
	between := "://"
	scheme, rest, ok := strings.Cut(host, between)
	if !ok {
		between = ":"
		scheme, rest, _ = strings.Cut(host, between)
	}
	i := strings.LastIndex(rest, "@")
	user, _, password := strings.Cut(rest[:max(i, 0)], ":")
	if i < 0 || !password {
		return host
	}
	return scheme + between + user + rest[i:]
}

// withPort adds Docker's port to a TCP host without a port, as the docker command does.
func withPort(host string, tls bool) string {
	u, err := url.Parse(host)
	if err != nil || u.Scheme != "tcp" || u.Port() != "" || u.Host == "" {
		return host
	}
	u.Host += ":2375"
	if tls {
		u.Host = strings.TrimSuffix(u.Host, "2375") + "2376"
	}
	return u.String()
}
