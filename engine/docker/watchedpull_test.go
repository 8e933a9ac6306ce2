package docker

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine/enginetest"
)

// TestPullIsWatched follows pulls that are slow or silent: one that makes progress is not ended, however long it takes.
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
		notices  int
	}{
		"makes progress":           {[]message{{20 * time.Second, downloading}}, 20, time.Second, 0, 0},
		"makes progress slowly":    {[]message{{100 * time.Second, downloading}}, 5, time.Second, 0, 5},
		"silent at once":           {nil, 0, 0, 2 * time.Minute, 1},
		"silent after a message":   {[]message{{time.Second, downloading}}, 1, 0, 2 * time.Minute, 1},
		"unpacks silently":         {[]message{{time.Second, downloaded}}, 1, 29 * time.Minute, 0, 0},
		"unpacks forever":          {[]message{{time.Second, downloaded}}, 1, 0, 30 * time.Minute, 0},
		"silent when it is loaded": {[]message{{time.Second, downloaded}, {time.Minute, unpacked}}, 1, 0, 2 * time.Minute, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var notices []string
				p := &pull{
					Engine: &Engine{stalledAfter: stalledAfter, notice: func(text string) { notices = append(notices, text) }},
					key:    imageKey{ref: "x.io/a"}, domain: "x.io",
				}
				progress := &progress{sink: &enginetest.Recorder{}}
				pulling, moved, over := p.watched(t.Context(), progress)
				stream, engine := io.Pipe()
				context.AfterFunc(pulling, func() { _ = engine.CloseWithError(context.Cause(pulling)) })
				last := time.Now()
				go func() {
					for range test.times {
						for _, m := range test.messages {
							time.Sleep(m.after)
							last = time.Now()
							_, _ = io.WriteString(engine, m.text)
						}
					}
					if test.end != 0 {
						time.Sleep(test.end)
						_ = engine.Close()
					}
				}()
				err := follow(stream, progress, moved)
				took := time.Since(last)
				if test.stalled == 0 && err != nil || test.stalled != 0 && (!errors.Is(err, errStalled) || took != test.stalled) {
					t.Errorf("error %v after %v", err, took)
				}
				over()
				time.Sleep(time.Hour)
				const notice = `the pull of image "x.io/a" from x.io has made no progress for 30s, waiting up to 1m30s more`
				if len(notices) != test.notices || strings.Count(strings.Join(notices, "\n"), notice) != test.notices {
					t.Errorf("notices %q, want %d", notices, test.notices)
				}
			})
		})
	}
}
