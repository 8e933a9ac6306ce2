package docker_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
)

// eventLog is what an engine tells of containers and volumes that are made and started. It listens all the time: an
// engine that is asked afterwards remembers no more than a few hundred events, and its neighbours' are among them.
type eventLog struct {
	client *client.Client
	mu     sync.Mutex
	heard  []events.Message
	cancel context.CancelFunc
	listen sync.WaitGroup
}

// told is one event, however often it is heard.
type told struct {
	at     int64
	action events.Action
	id     string
}

// listen hears what happens from now on on the engine at host, the machine's where that is "".
func listen(t *testing.T, host string) *eventLog {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &eventLog{client: apiAt(t, host), cancel: cancel}
	begin := time.Now()
	l.listen.Go(func() {
		known := map[told]bool{}
		for ctx.Err() == nil { // podman ends its stream now and then, where it reads its own file of events
			l.follow(ctx, begin, known)
			time.Sleep(10 * time.Millisecond) // an engine that is gone fails at once
		}
	})
	t.Cleanup(l.close)
	return l
}

// follow hears all since begin, until the stream ends.
func (l *eventLog) follow(ctx context.Context, begin time.Time, known map[told]bool) {
	stream, failed := l.client.Events(ctx, events.ListOptions{
		// Engines answer before they listen, so they are to begin with what was meanwhile.
		Since: fmt.Sprintf("%d.%09d", begin.Unix(), begin.Nanosecond()),
		Filters: filters.NewArgs(
			filters.Arg("type", string(events.ContainerEventType)), filters.Arg("type", string(events.VolumeEventType)),
			filters.Arg("event", string(events.ActionCreate)), filters.Arg("event", string(events.ActionStart)),
		),
	})
	for {
		select {
		case event := <-stream:
			if one := (told{event.TimeNano, event.Action, event.Actor.ID}); !known[one] {
				known[one] = true
				l.mu.Lock()
				l.heard = append(l.heard, event)
				l.mu.Unlock()
			}
		case <-failed:
			return
		}
	}
}

// close ends the listening.
func (l *eventLog) close() {
	l.cancel()
	l.listen.Wait()
	_ = l.client.Close()
}

// all gives what has happened so far. It makes something happen itself: when that is heard, so is all before it.
func (l *eventLog) all(t *testing.T) (heard []events.Message) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	mark := fmt.Sprintf("ktask-test-mark-%d", time.Now().UnixNano())
	if _, err := l.client.VolumeCreate(ctx, volume.CreateOptions{Name: mark}); err != nil {
		t.Fatalf("mark the end of the events: %v", err)
	}
	defer func() { _ = l.client.VolumeRemove(ctx, mark, true) }()
	isMark := func(event events.Message) bool {
		return event.Actor.ID == mark || event.Actor.Attributes["name"] == mark
	}
	await(t, "the engine tells what happens", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		end := slices.IndexFunc(l.heard, isMark)
		heard = l.heard[:max(end, 0)]
		return end >= 0
	})
	return heard
}
