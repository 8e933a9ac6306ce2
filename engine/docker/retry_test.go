package docker

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	cerrdefs "github.com/containerd/errdefs"

	"github.com/ktask/ktask/engine"
)

// TestRetryWaits compares the times of the tries, of which none may begin after the limit.
func TestRetryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var tries []time.Duration
		retry(t.Context(), 3*time.Second, func() (again bool) {
			tries = append(tries, time.Since(began).Round(time.Millisecond))
			return true
		})
		const ms = time.Millisecond
		if want := []time.Duration{0, 20 * ms, 60 * ms, 140 * ms, 300 * ms, 620 * ms, 1260 * ms, 2260 * ms}; !slices.Equal(tries, want) {
			t.Errorf("tries at %v, want %v", tries, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
		defer cancel()
		began, tries = time.Now(), nil
		retry(ctx, unlimited, func() (again bool) {
			tries = append(tries, time.Since(began))
			return true
		})
		if len(tries) != 2 || time.Since(began) != 50*ms {
			t.Errorf("tries at %v, %v in all: the end of the context does not end them", tries, time.Since(began))
		}
	})
}

func TestRetryUntilGone(t *testing.T) {
	refused, silent := &engine.Error{Reason: engine.EngineRefused, Err: errors.New("no")}, &engine.Error{Reason: engine.EngineDidNotAnswer, Err: errors.New("late")}
	for name, test := range map[string]struct {
		answers []error // the last one is that of all further requests
		asked   int
		want    error
	}{
		"at once":             {[]error{nil}, 1, nil},
		"is gone already":     {[]error{cerrdefs.ErrNotFound}, 1, nil},
		"refused once":        {[]error{refused, nil}, 2, nil},
		"no answer once":      {[]error{silent, nil}, 2, nil},
		"no answer twice":     {[]error{silent, silent}, 2, silent},
		"refused always":      {[]error{refused}, 6, refused},
		"no answer, refusals": {[]error{silent, refused}, 7, refused},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, asked := &Engine{reconnectWithin: time.Second}, 0
				err := e.retryUntilGone(t.Context(), func(context.Context) error {
					asked++
					return test.answers[min(asked, len(test.answers))-1]
				})
				if !errors.Is(err, test.want) || asked != test.asked {
					t.Errorf("error %v after %d requests, want %v after %d", err, asked, test.want, test.asked)
				}
			})
		})
	}
}
