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
	failed error
	cancel context.CancelFunc
	listen sync.WaitGroup
}

// listen hears what happens from now on on the engine at host, the machine's where that is "".
func listen(t *testing.T, host string) *eventLog {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &eventLog{client: apiAt(t, host), cancel: cancel}
	now := time.Now()
	told, failed := l.client.Events(ctx, events.ListOptions{
		// Engines answer before they listen, so they are to begin with what was meanwhile.
		Since: fmt.Sprintf("%d.%09d", now.Unix(), now.Nanosecond()),
		Filters: filters.NewArgs(
			filters.Arg("type", string(events.ContainerEventType)), filters.Arg("type", string(events.VolumeEventType)),
			filters.Arg("event", string(events.ActionCreate)), filters.Arg("event", string(events.ActionStart)),
		),
	})
	l.listen.Go(func() {
		for {
			select {
			case event := <-told:
				l.mu.Lock()
				l.heard = append(l.heard, event)
				l.mu.Unlock()
			case err := <-failed:
				l.mu.Lock()
				defer l.mu.Unlock()
				l.failed = err
				return
			}
		}
	})
	t.Cleanup(l.close)
	return l
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
		if l.failed != nil {
			t.Fatalf("listen to the engine: %v", l.failed)
		}
		end := slices.IndexFunc(l.heard, isMark)
		heard = l.heard[:max(end, 0)]
		return end >= 0
	})
	return heard
}
