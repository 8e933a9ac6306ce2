package docker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/ktask/ktask/engine"
)

// scripted returns a puller whose pulls report their begin, and end when the test ends them.
func scripted() (pull puller, begun chan context.Context, end chan error) {
	begun, end = make(chan context.Context, 10), make(chan error)
	return func(ctx context.Context, sink engine.Sink) error {
		begun <- ctx
		select {
		case err := <-end:
			sink.Emit(engine.ImageProgress{Status: "pulled"})
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}, begun, end
}

func TestOnePullForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store imageStore
		pull, begun, end := scripted()
		failure, left := errors.New("the pull's"), errors.New("the caller's")
		leaving, leave := context.WithCancelCause(t.Context())
		results, heard := make([]error, 4), make([]int, 4)
		for i := range results {
			ctx := t.Context()
			if i == 0 { // the caller that began the pull leaves
				ctx = leaving
			}
			go func() {
				results[i] = store.share(ctx, pullKey{imageKey: imageKey{ref: "a"}}, pull, engine.SinkFunc(func(engine.Event) { heard[i]++ }))
			}()
			synctest.Wait()
		}
		leave(left)
		synctest.Wait()
		end <- failure
		synctest.Wait()
		if len(begun) != 1 {
			t.Errorf("%d pulls", len(begun))
		}
		for i, err := range results {
			want, events := failure, 1
			if i == 0 {
				want, events = left, 0
			}
			if err != want || heard[i] != events {
				t.Errorf("caller %d: error %v, %d events", i, err, heard[i])
			}
		}
	})
}

func TestPullThatNobodyWantsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store imageStore
		pull, begun, end := scripted()
		ctx, cancel := context.WithCancel(t.Context())
		for range 2 {
			go func() {
				_ = store.share(ctx, pullKey{imageKey: imageKey{ref: "a"}}, pull, engine.SinkFunc(func(engine.Event) {}))
			}()
		}
		synctest.Wait()
		first := <-begun
		cancel()
		synctest.Wait()
		if first.Err() == nil {
			t.Error("the pull goes on")
		}
		go func() {
			_ = store.share(t.Context(), pullKey{imageKey: imageKey{ref: "a"}}, pull, engine.SinkFunc(func(engine.Event) {}))
		}()
		synctest.Wait()
		if len(begun) != 1 {
			t.Error("who comes later gets no pull of its own")
		}
		end <- nil
	})
}

func TestPullsOfOtherImagesAreTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var store imageStore
		pull, begun, end := scripted()
		for _, key := range []pullKey{{imageKey{"a", ""}, ""}, {imageKey{"a", "linux/arm64"}, ""}, {imageKey{"b", ""}, ""}, {imageKey{"b", ""}, "x"}} {
			go func() { _ = store.share(t.Context(), key, pull, engine.SinkFunc(func(engine.Event) {})) }()
		}
		synctest.Wait()
		if len(begun) != 4 {
			t.Errorf("%d pulls", len(begun))
		}
		for range 4 {
			end <- nil
		}
	})
}
