package local

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// Scripts gets the scripts of URLs, and keeps a copy of each.
type Scripts struct {
	// Dir is the directory of the copies. Their names are their SHA-256. If it is empty or cannot be used, there are no copies.
	Dir string
	// Offline means that only copies are used.
	Offline   bool
	UserAgent string
	// Transport replaces the one that keeps requests away from this machine. It may be nil.
	Transport http.RoundTripper
}

const (
	// maxScript is the size limit of a script, in bytes.
	maxScript = 16 << 20
	// scriptWithin is the time limit of a download.
	scriptWithin = 2 * time.Minute
	maxRedirects = 10
)

// Locked returns the script at a URL, from its copy if there is one. A script with another SHA-256 is an error.
// The error may be a *resolve.ScriptError.
func (s Scripts) Locked(ctx context.Context, l spec.LockedScript) ([]byte, error) {
	if copied, err := ReadFile(filepath.Join(s.Dir, l.SHA256), maxScript); err == nil && s.Dir != "" && sumOf(copied) == l.SHA256 {
		return copied, nil
	}
	if s.Offline {
		return nil, &resolve.ScriptError{
			Err: errors.New("this machine has no copy of it, and nothing may be downloaded"), Remedy: "run ktask lock with a network",
		}
	}
	content, err := s.Download(ctx, l.URL)
	if err != nil {
		return nil, err
	}
	if sum := sumOf(content); sum != l.SHA256 {
		return nil, &resolve.ScriptError{Err: fmt.Errorf("it has changed: its SHA-256 is now %s", sum), Remedy: changed}
	}
	return content, nil
}

// Download returns the script at a URL and keeps a copy of it.
func (s Scripts) Download(ctx context.Context, from string) ([]byte, error) {
	if s.Offline {
		return nil, errors.New("nothing may be downloaded")
	}
	ctx, cancel := context.WithTimeout(ctx, scriptWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, fmt.Errorf("download it: %w", err)
	}
	request.Header.Set("User-Agent", s.UserAgent)
	client := http.Client{Transport: cmp.Or[http.RoundTripper](s.Transport, newDownloads()), CheckRedirect: checkRedirect}
	response, err := client.Do(request)
	if failure, ok := errors.AsType[*url.Error](err); ok {
		err = failure.Err // the caller names the script
	}
	if err != nil {
		return nil, fmt.Errorf("download it: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("download it: the server answers %s", response.Status)
	}
	content, err := readAll(response.Body, maxScript, 0)
	switch {
	case err != nil:
		return nil, fmt.Errorf("download it: %w", err)
	case len(content) == 0:
		return nil, errors.New("it is empty")
	}
	s.keep(content)
	return content, nil
}

// checkRedirect follows redirects like the runtimes: to http and https only.
func checkRedirect(to *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case to.URL.Scheme != "http" && to.URL.Scheme != "https":
		return fmt.Errorf("a redirect to %q: only http and https are followed", to.URL.Scheme)
	}
	return nil
}

// keep writes a copy of a script. Without a copy the script is downloaded again.
func (s Scripts) keep(content []byte) {
	if s.Dir == "" || os.MkdirAll(s.Dir, 0o700) != nil {
		return
	}
	_ = WriteFile(filepath.Join(s.Dir, sumOf(content)), content)
}

// WriteFile replaces a file. A link of that name is replaced instead of followed, and no reader sees a part of the content.
func WriteFile(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// downloads is a transport that connects to other machines only: a task cannot reach the services of this one, so a manifest must not
// make ktask call them. A proxy that the environment names may be here.
type downloads struct{ direct, proxied *http.Transport }

func newDownloads() downloads {
	dialer := net.Dialer{Timeout: 30 * time.Second, Control: elsewhere}
	direct := &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 30 * time.Second, DisableKeepAlives: true}
	proxied := direct.Clone()
	proxied.DialContext, proxied.Proxy = (&net.Dialer{Timeout: dialer.Timeout}).DialContext, http.ProxyFromEnvironment
	return downloads{direct, proxied}
}

// RoundTrip sends a request.
func (d downloads) RoundTrip(r *http.Request) (*http.Response, error) {
	if proxy, err := http.ProxyFromEnvironment(r); err != nil || proxy != nil {
		return d.proxied.RoundTrip(r)
	}
	return d.direct.RoundTrip(r)
}

// elsewhere returns an error if an address, to which a connection is about to be made, is that of this machine or of its link.
func elsewhere(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if a := to.Addr(); a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() {
		return fmt.Errorf("%s is an address of this machine, which a task cannot reach", a)
	}
	return nil
}
