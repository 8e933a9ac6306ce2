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

	"github.com/ktask/ktask/integration/engines"
)

// eventLog records an engine's events about the creation and the start of containers and volumes. It listens all the time:
// engines keep no more than their last few hundred events, and those of other tests are among them.
type eventLog struct {
	client *client.Client
	mu     sync.Mutex
	heard  []events.Message
	cancel context.CancelFunc
	listen sync.WaitGroup
}

// eventKey identifies an event, which may be received several times.
type eventKey struct {
	at     int64
	action events.Action
	id     string
}

// listen records the events from now on of the engine at host. If host is "", it is the machine's engine.
func listen(t *testing.T, host string) *eventLog {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &eventLog{client: apiAt(t, host), cancel: cancel}
	begin := time.Now()
	l.listen.Go(func() {
		known := map[eventKey]bool{}
		tick := time.NewTicker(10 * time.Millisecond) // a request to an engine that has ended fails immediately
		defer tick.Stop()
		for ctx.Err() == nil { // podman ends its stream now and then
			l.follow(ctx, begin, known)
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(l.close)
	return l
}

// follow records the events since begin that are not known, until the stream ends.
func (l *eventLog) follow(ctx context.Context, begin time.Time, known map[eventKey]bool) {
	stream, failed := l.client.Events(ctx, events.ListOptions{
		// Engines answer before they listen, so the stream has to begin with what happened meanwhile.
		Since: fmt.Sprintf("%d.%09d", begin.Unix(), begin.Nanosecond()),
		Filters: filters.NewArgs(
			filters.Arg("type", string(events.ContainerEventType)), filters.Arg("type", string(events.VolumeEventType)),
			filters.Arg("event", string(events.ActionCreate)), filters.Arg("event", string(events.ActionStart)),
		),
	})
	for {
		select {
		case event := <-stream:
			if one := (eventKey{event.TimeNano, event.Action, event.Actor.ID}); !known[one] {
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

// close stops listening.
func (l *eventLog) close() {
	l.cancel()
	l.listen.Wait()
	_ = l.client.Close()
}

// all returns the events so far. It creates a volume, whose event comes after all of them.
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
	engines.Await(t, "the engine reports the event of the mark", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		end := slices.IndexFunc(l.heard, isMark)
		heard = l.heard[:max(end, 0)]
		return end >= 0
	})
	return heard
}
