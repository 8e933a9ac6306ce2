package docker_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// refusingRegistry answers requests for images with a status and a text, until it has done so the given number of times; then
// it forwards requests to next.
type refusingRegistry struct {
	status int
	text   string
	times  int
	next   http.Handler

	mu   sync.Mutex
	seen []*http.Request
}

func (r *refusingRegistry) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	if request.URL.Path != "/v2/" {
		r.seen = append(r.seen, request)
		r.times--
	}
	refuse := r.times >= 0 || r.next == nil
	r.mu.Unlock()
	switch {
	case request.URL.Path == "/v2/" && r.next == nil:
		w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	case refuse && request.URL.Path != "/v2/":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(r.status)
		_, _ = fmt.Fprint(w, r.text)
	default:
		r.next.ServeHTTP(w, request)
	}
}

// serve starts the registry and returns the name of an image there.
func (r *refusingRegistry) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://") + "/ktask/busybox:test"
}

// TestRegistryRefuses holds that the words of a registry reach the user, with a remedy for each kind of refusal, and that no
// credentials do.
func TestRegistryRefuses(t *testing.T) { registryRefuses(t, docker.Options{}) }

func registryRefuses(t *testing.T, o docker.Options) {
	const secret = "pass-of-ada"
	echoed := base64.StdEncoding.EncodeToString([]byte("ada:" + secret))
	for name, test := range map[string]struct {
		status int
		code   string
		reason engine.Reason
		remedy string
	}{
		"unauthorized": {401, "UNAUTHORIZED", engine.ImageUnauthorized, `renew the credentials in Secret "regcred" (task.yaml:3)`},
		"forbidden":    {403, "DENIED", engine.ImageUnauthorized, "ask for the right to pull it with these credentials"},
		"missing":      {404, "MANIFEST_UNKNOWN", engine.ImageNotFound, "correct the name or the tag of the image"},
		"too many":     {429, "TOOMANYREQUESTS", engine.ImagePullFailed, "wait until the registry's limit allows it again"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &refusingRegistry{status: test.status, text: fmt.Sprintf(`{"errors":[{"code":%q,"message":"the words of it: %s %s"}]}`, test.code, echoed, secret)}
			c := plan.Container{Image: r.serve(t), PullPolicy: plan.PullAlways, PullCredentials: []plan.PullCredential{
				{Secret: "regcred", Auth: plan.NewSecret("regcred", "ada:"+secret), Origin: plan.Origin{File: "task.yaml", Line: 3}},
			}}
			_, err := prepare(t, o, c)
			wantReason(t, err, test.reason, "the words of it: ••• •••")
			if failure, ok := errors.AsType[*engine.Error](err); ok && !strings.Contains(failure.Remedy.Text, test.remedy) {
				t.Errorf("remedy %q, want %q", failure.Remedy, test.remedy)
			}
			if text := fmt.Sprintf("%v", err); strings.Contains(text, secret) || strings.Contains(text, echoed) {
				t.Errorf("the error has the password: %s", text)
			}
		})
	}
}

// TestPullIsTriedAgain lets a registry fail for a moment, as those behind a proxy do.
func TestPullIsTriedAgain(t *testing.T) {
	address := engines.Registry(t)
	push(t, address)
	r := &refusingRegistry{status: http.StatusServiceUnavailable, text: "busy", times: 2, next: forwarder(address)}
	c := plan.Container{Image: r.serve(t), PullPolicy: plan.PullAlways}
	t.Cleanup(func() { removeImage(t, c.Image) })
	again := func(heard *enginetest.Recorder) (n int) {
		for _, e := range heard.Events() {
			if p, ok := e.(engine.ImageProgress); ok && p.Status == "pulling again" {
				n++
			}
		}
		return n
	}
	if heard, err := prepare(t, docker.Options{}, c); err != nil || again(heard) == 0 {
		t.Errorf("error %v, events %+v", err, heard.Events())
	}
	r.times = 100
	heard, err := prepare(t, docker.Options{}, c)
	wantReason(t, err, engine.ImagePullFailed, "503 Service Unavailable")
	if again(heard) != 2 {
		t.Errorf("events %+v", heard.Events())
	}
}

// TestNextCredentials has two credentials: the second are tried if the registry may have refused the first, and only then.
func TestNextCredentials(t *testing.T) {
	for code, test := range map[string]struct {
		status int
		reason engine.Reason
		pulls  int
	}{
		"UNAUTHORIZED":     {401, engine.ImageUnauthorized, 2},
		"DENIED":           {403, engine.ImageUnauthorized, 2},
		"MANIFEST_UNKNOWN": {404, engine.ImageNotFound, 2},
		"UNSUPPORTED":      {405, engine.ImagePullFailed, 1},
		"TOOMANYREQUESTS":  {429, engine.ImagePullFailed, 1},
	} {
		t.Run(code, func(t *testing.T) {
			r := &refusingRegistry{status: test.status, text: fmt.Sprintf(`{"errors":[{"code":%q,"message":"the words"}]}`, code)}
			proxy := newFaultProxy(t, machineSocket, target{})
			c := plan.Container{Image: r.serve(t), PullPolicy: plan.PullAlways}
			for _, name := range []string{"first", "second"} {
				c.PullCredentials = append(c.PullCredentials, plan.PullCredential{Secret: name, Auth: plan.NewSecret(name, name+":password")})
			}
			_, err := prepare(t, docker.Options{Host: proxy.host()}, c)
			wantReason(t, err, test.reason, "the words")
			if n := strings.Count(strings.Join(proxy.calls, "\n"), "POST /images/create"); n != test.pulls {
				t.Errorf("%d pulls, want %d: %q", n, test.pulls, proxy.calls)
			}
		})
	}
}

// TestStalledPull lets a registry fall silent: once when it is asked for an image, or each time in the middle of one. The pull is
// tried again, and succeeds or fails.
func TestStalledPull(t *testing.T) { stalledPull(t, docker.Options{}) }

func stalledPull(t *testing.T, o docker.Options) {
	address := engines.Registry(t)
	unknown := derived(t, docker.Options{}, "stalled-pull", "LABEL unknown=yes") // the engine has no part of it
	pushed(t, unknown, address)
	removeImage(t, unknown)
	for name, test := range map[string]struct {
		silent int
		at     string
	}{"once": {1, "/manifests/"}, "always": {100, "/blobs/"}} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			var mu sync.Mutex
			next, left := forwarder(address), test.silent
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
				mu.Lock()
				stall := strings.Contains(request.URL.Path, test.at) && left > 0
				if stall {
					left--
				}
				mu.Unlock()
				if stall {
					select {
					case <-release:
					case <-request.Context().Done():
					}
					return
				}
				next.ServeHTTP(w, request)
			}))
			t.Cleanup(server.Close)
			t.Cleanup(func() { close(release) })
			c := plan.Container{Image: strings.TrimPrefix(server.URL, "http://") + "/ktask/busybox:test", PullPolicy: plan.PullAlways}
			t.Cleanup(func() { removeImage(t, c.Image) })
			var notices []string
			o := o
			o.Notice = func(text string) { // a timer calls it
				mu.Lock()
				defer mu.Unlock()
				notices = append(notices, text)
			}
			e := connect(t, o)
			e.StalledAfter(2 * time.Second)
			err := e.Prepare(t.Context(), c, &enginetest.Recorder{})
			if test.silent == 1 && err != nil {
				t.Errorf("error %v", err)
			}
			if test.silent > 1 {
				wantReason(t, err, engine.ImagePullFailed, "the pull makes no progress: nothing has come from 127.0.0.1")
			}
			mu.Lock()
			defer mu.Unlock()
			if len(notices) == 0 || !strings.Contains(notices[0], "has made no progress") {
				t.Errorf("notices %q", notices)
			}
		})
	}
}

// forwarder forwards requests to the registry at an address.
func forwarder(address string) http.Handler {
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
}

// TestOtherPlatforms pulls an image that is built for other platforms than the engine's.
func TestOtherPlatforms(t *testing.T) {
	address := engines.Registry(t)
	push(t, address)
	manifests := "http://" + address + "/v2/ktask/busybox/manifests/"
	request := func(method, tag, kind, body string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, manifests+tag, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", kind)
		r.Header.Set("Content-Type", kind)
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.StatusCode >= 300 {
			t.Fatalf("%s %s: %v, %v", method, tag, answer, err)
		}
		_ = answer.Body.Close()
		return answer
	}
	const kind, list = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json"
	found := request(http.MethodHead, "test", kind, "").Header
	entry := fmt.Sprintf(`"mediaType":%q,"digest":%q,"size":%s`, kind, found.Get("Docker-Content-Digest"), found.Get("Content-Length"))
	request(http.MethodPut, "others", list, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{%s,"platform":{"os":"linux","architecture":"s390x"}},`+
		`{%s,"platform":{"os":"linux","architecture":"arm","variant":"v6"}},{%s,"platform":{"os":"unknown","architecture":"unknown"}}]}`, list, entry, entry, entry))

	c := plan.Container{Image: address + "/ktask/busybox:others", PullPolicy: plan.PullAlways}
	for platform, says := range map[string]string{"": "(it is built for linux/s390x, linux/arm/v6)", "linux/arm64": " for linux/arm64: "} {
		c.Platform = platform
		_, err := prepare(t, docker.Options{}, c)
		wantReason(t, err, engine.ImageNotFound, says)
		if failure, ok := errors.AsType[*engine.Error](err); !ok || failure.Remedy.Option != engine.OptionPlatform || failure.Remedy.Value != "linux/s390x" {
			t.Errorf("error %+v", failure)
		}
	}
}

// TestOneOtherPlatform asks for a platform that an image without a list of platforms is not built for. Docker 20.10 pulls it all the
// same.
func TestOneOtherPlatform(t *testing.T) {
	built := "linux/" + runtime.GOARCH
	for image, policy := range map[string]plan.PullPolicy{push(t, engines.Registry(t)): plan.PullAlways, busybox: plan.PullNever} {
		_, err := prepare(t, docker.Options{}, plan.Container{Image: image, Platform: "linux/s390x", PullPolicy: policy})
		wantReason(t, err, engine.ImageNotFound, "is built for "+built)
		if failure, ok := errors.AsType[*engine.Error](err); !ok || failure.Remedy.Option != engine.OptionPlatform || failure.Remedy.Value != built {
			t.Errorf("error %+v", failure)
		}
	}
}

// TestPullSurvivesALostConnection loses the connection to the engine before, in and after the answer to a pull.
func TestPullSurvivesALostConnection(t *testing.T) {
	ref := push(t, engines.Registry(t))
	for _, how := range []fault{cutBefore, dropReply, cutWithin, cutBetween} {
		t.Run(string(how), func(t *testing.T) {
			proxy := newFaultProxy(t, machineSocket, target{call: "POST /images/create", how: how})
			if _, err := prepare(t, docker.Options{Host: proxy.host()}, plan.Container{Image: ref, PullPolicy: plan.PullAlways}); err != nil {
				t.Errorf("error %v", err)
			}
			if proxy.struck != 1 {
				t.Errorf("struck %d times: %q", proxy.struck, proxy.calls)
			}
			removeImage(t, ref)
		})
	}
}
