package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/cenkalti/backoff/v5"

	"github.com/ktask/ktask/engine"
)

const (
	// answersWithin limits the time of a request.
	answersWithin = time.Minute
	// describesWithin limits the time of the first request.
	describesWithin = 15 * time.Second
	// returnsWithin is how long the API server may be out of reach, as while it restarts.
	returnsWithin = time.Minute
	// again is the wait before a broken stream is asked for again.
	again = 200 * time.Millisecond
)

// runtimeObject is an object of the API with its metadata.
type runtimeObject interface {
	runtime.Object
	metav1.Object
}

// do makes a request, and repeats it while the API server cannot be reached, has no time or had a conflict. The end of ctx does not interrupt a
// request. A repeated creation of what exists has succeeded before.
func (e *Engine) do(ctx context.Context, what string, request func(context.Context) error) error {
	ctx = context.WithoutCancel(ctx)
	tries := 0
	_, err := backoff.Retry(ctx, func() (none struct{}, err error) {
		within, cancel := context.WithTimeout(ctx, answersWithin)
		defer cancel()
		tries++
		err = request(within)
		switch {
		case tries > 1 && apierrors.IsAlreadyExists(err):
			return none, nil
		case err != nil && !passes(err):
			return none, backoff.Permanent(err)
		}
		return none, err
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: 50 * time.Millisecond, Multiplier: 2, MaxInterval: 2 * time.Second}),
		backoff.WithMaxElapsedTime(returnsWithin))
	return e.explain(ctx, what, err)
}

// passes reports whether a request may succeed when it is repeated.
func passes(err error) bool {
	answer := (apierrors.APIStatus)(nil)
	if !errors.As(err, &answer) {
		return true
	}
	return apierrors.IsConflict(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsTimeout(err) || answer.Status().Code >= 500
}

// explain returns the *engine.Error for the failure of a request, or nil.
func (e *Engine) explain(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	failure := &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf("%s: %w", what, err)}
	switch answer := (apierrors.APIStatus)(nil); {
	case !errors.As(err, &answer):
		failure.Reason = engine.EngineUnavailable
		failure.Err = fmt.Errorf("%s: the cluster at %s cannot be reached: %w", what, e.host, err)
		failure.Remedy = engine.Remedy{Text: "see whether `kubectl version` answers"}
	case apierrors.IsForbidden(err) && !strings.Contains(err.Error(), " cannot "): // a quota or a policy, and no right
		failure.Remedy = engine.Remedy{Text: "change what it names in resources or securityContext of the container, or use a namespace that allows it (--kube-namespace)"}
	case apierrors.IsForbidden(err):
		failure.Remedy = engine.Remedy{Text: "ask for the right, see `ktask doctor --engine kubernetes`"}
	case apierrors.IsUnauthorized(err):
		failure.Remedy = engine.Remedy{Text: "log in to the cluster again"}
	case apierrors.IsNotFound(err) && strings.Contains(err.Error(), "namespaces"):
		failure.Remedy = engine.Remedy{Text: "create the namespace, or use another one (--kube-namespace)"}
	}
	return failure
}

// deleteJob deletes a Job, and tells the cluster to delete its pods.
func (e *Engine) deleteJob(ctx context.Context, name string) error {
	return e.delete(ctx, e.batch, "jobs", name)
}

// delete deletes an object. One that is gone already is no error.
func (e *Engine) delete(ctx context.Context, client rest.Interface, resource, name string) error {
	what := fmt.Sprintf("delete %s %q", strings.TrimSuffix(resource, "s"), name)
	// Without the policy the pods of a Job stay.
	options := &metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)}
	return e.do(ctx, what, func(ctx context.Context) error {
		err := client.Delete().Namespace(e.namespace).Resource(resource).Name(name).Body(options).Do(ctx).Error()
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
}

func decode(raw []byte, to any) error { return json.Unmarshal(raw, to) }

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// signalName returns the name of the signal for an exit code, or "".
func signalName(code int) string { return map[int]string{137: "SIGKILL", 143: "SIGTERM"}[code] }
