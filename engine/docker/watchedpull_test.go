package docker

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/client"

	"github.com/ktask/ktask/engine/enginetest"
)

// scriptedEngine is the transport of a client whose requests are not sent.
type scriptedEngine func(*http.Request) *http.Response

func (s scriptedEngine) RoundTrip(r *http.Request) (*http.Response, error) { return s(r), nil }

// engineThatSends returns an engine that answers a ping, and a pull with a stream.
func engineThatSends(t *testing.T, stream *io.PipeReader) *Engine {
	c, err := client.NewClientWithOpts(client.WithVersion("1.41"), client.WithHTTPClient(&http.Client{Transport: scriptedEngine(func(r *http.Request) *http.Response {
		answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Api-Version": {"1.41"}}, Body: http.NoBody, Request: r}
		if strings.HasSuffix(r.URL.Path, "/images/create") {
			answer.Body = stream
			context.AfterFunc(r.Context(), func() { _ = stream.CloseWithError(r.Context().Err()) })
		}
		return answer
	})}))
	if err != nil {
		t.Fatal(err)
	}
	return &Engine{client: c, answerWithin: time.Minute, reconnectWithin: reconnectWithin, stalledAfter: stalledAfter}
}

// TestPullIsWatched follows pulls that are slow or silent for hours, which only a scripted engine can be in a test: one that makes
// progress is not ended, however long it takes.
func TestPullIsWatched(t *testing.T) {
	const downloading, downloaded, unpacked = `{"id":"a","status":"Downloading"}`, `{"id":"a","status":"Download complete"}`, `{"id":"a","status":"Pull complete"}`
	type message struct {
		after time.Duration
		text  string
	}
	for name, test := range map[string]struct {
		messages []message
		times    int           // how often the messages come
		end      time.Duration // after the last message; if zero, the stream does not end
		stalled  time.Duration // after the last message; if zero, the pull is not ended
		notices  int           // if negative, nobody receives them
	}{
		"makes progress":           {[]message{{20 * time.Second, downloading}}, 20, time.Second, 0, 0},
		"makes progress slowly":    {[]message{{100 * time.Second, downloading}}, 5, time.Second, 0, 5},
		"silent at once":           {nil, 0, 0, 2 * time.Minute, 1},
		"silent after a message":   {[]message{{time.Second, downloading}}, 1, 0, 2 * time.Minute, 1},
		"silent for a program":     {nil, 0, 0, 2 * time.Minute, -1},
		"unpacks silently":         {[]message{{time.Second, downloaded}}, 1, 29 * time.Minute, 0, 0},
		"unpacks forever":          {[]message{{time.Second, downloaded}}, 1, 0, 30 * time.Minute, 0},
		"silent when it is loaded": {[]message{{time.Second, downloaded}, {time.Minute, unpacked}}, 1, 0, 2 * time.Minute, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex // each notice comes from a timer of its own
				var notices []string
				stream, messages := io.Pipe()
				last := time.Now()
				go func() {
					for range test.times {
						for _, m := range test.messages {
							time.Sleep(m.after)
							last = time.Now()
							_, _ = io.WriteString(messages, m.text)
						}
					}
					if test.end != 0 {
						time.Sleep(test.end)
						_ = messages.Close()
					}
				}()
				e := engineThatSends(t, stream)
				if test.notices >= 0 {
					e.notice = func(text string) {
						mu.Lock()
						defer mu.Unlock()
						notices = append(notices, text)
					}
				}
				p := &pull{Engine: e, key: imageKey{ref: "x.io/a"}, domain: "x.io", sink: &enginetest.Recorder{}}
				err := p.once(t.Context(), login{})
				ended := time.Now()
				time.Sleep(time.Hour)
				synctest.Wait()
				took := ended.Sub(last)
				if test.stalled == 0 && err != nil || test.stalled != 0 && (!errors.Is(err, errStalled) || took != test.stalled) {
					t.Errorf("error %v after %v", err, took)
				}
				const notice = `the pull of image "x.io/a" from x.io has made no progress for 30s, waiting up to 1m30s more`
				if wanted := max(test.notices, 0); len(notices) != wanted || strings.Count(strings.Join(notices, "\n"), notice) != wanted {
					t.Errorf("notices %q, want %d", notices, test.notices)
				}
			})
		})
	}
}
