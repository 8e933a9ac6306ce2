package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/ktask/ktask/engine"
)

var (
	_ engine.Cleaner = (*Engine)(nil)
	_ engine.Killer  = (*Engine)(nil)
)

// Leftovers lists the Jobs of ktask. All else that it makes belongs to one of them and goes with it.
func (e *Engine) Leftovers(ctx context.Context, run string) (all []engine.Leftover, err error) {
	var jobs batchv1.JobList
	if err := e.list(ctx, e.batch, "jobs", run, &jobs); err != nil {
		return nil, err
	}
	for _, j := range jobs.Items {
		l := labelsOf(j.ObjectMeta)
		if j.Name != jobName(l) { // somebody else has copied the labels
			continue
		}
		all = append(all, engine.Leftover{
			Kind: "job", ID: string(j.UID), Name: j.Name, Labels: l, Running: j.Status.Active > 0,
			Overdue: l.Lifetime > 0 && time.Since(j.CreationTimestamp.Time) > l.Lifetime,
		})
	}
	return all, nil
}

// list reads the objects of a run, or of all runs if run is "".
func (e *Engine) list(ctx context.Context, client rest.Interface, resource, run string, to runtime.Object) error {
	selector := labelRun
	if run != "" {
		selector += "=" + run
	}
	return e.do(ctx, "list "+resource, func(ctx context.Context) error {
		return client.Get().Namespace(e.namespace).Resource(resource).Param("labelSelector", selector).Do(ctx).Into(to)
	})
}

// Remove removes a Job with all that it owns, and returns when no pod of it is left.
func (e *Engine) Remove(ctx context.Context, left engine.Leftover) error {
	if left.Kind != "job" {
		return fmt.Errorf("remove %s %q: not a job", left.Kind, left.Name)
	}
	if err := e.deleteJob(ctx, left.Name); err != nil {
		return err
	}
	return e.podGone(ctx, left.Labels.Run, left.Name, 0)
}

// podGone returns when no pod of a Job is left, which was deleted, and none has appeared for the quiet time: the Job controller may
// create one before it knows.
func (e *Engine) podGone(ctx context.Context, run, job string, quiet time.Duration) error {
	seen := time.Now()
	for end := seen.Add(settles); ; pause(ctx, again) {
		var pods corev1.PodList
		if err := e.list(ctx, e.core, "pods", run, &pods); err != nil {
			return err
		}
		running := ""
		for _, p := range pods.Items {
			if p.Labels[batchv1.JobNameLabel] == job {
				running = p.Name
			}
		}
		if running != "" {
			seen = time.Now()
		}
		switch {
		case running == "" && time.Since(seen) >= quiet:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case running != "" && time.Now().After(end):
			return stays(job, running)
		}
	}
}

// stays is the error of a pod that the cluster does not remove.
func stays(job, pod string) error {
	return &engine.Error{
		Reason: engine.EngineRefused, Err: fmt.Errorf("remove job %q: its pod %q is still there after %v", job, pod, settles),
		Remedy: engine.Remedy{Text: fmt.Sprintf("see what holds it: `kubectl describe pod %s`; its node may be out of reach", pod)},
	}
}

// Sweep removes the Jobs of a run until none has appeared for the quiet time.
func (e *Engine) Sweep(ctx context.Context, run string, quiet time.Duration) error {
	for last := time.Now(); ; pause(ctx, min(quiet, again)) {
		all, err := e.Leftovers(ctx, run)
		for _, left := range all {
			err = errors.Join(err, e.Remove(ctx, left))
			last = time.Now()
		}
		switch {
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), err)
		case err == nil && len(all) == 0 && time.Since(last) >= quiet:
			return nil
		}
	}
}

// Kill ends the pods of a run: a second after the stop signal the kubelet kills what still runs.
func (e *Engine) Kill(ctx context.Context, run string) error {
	var pods corev1.PodList
	if err := e.list(ctx, e.core, "pods", run, &pods); err != nil {
		return err
	}
	var failures []error
	for _, p := range pods.Items {
		options := &metav1.DeleteOptions{GracePeriodSeconds: new(int64(1))}
		failures = append(failures, e.do(ctx, fmt.Sprintf("kill pod %q", p.Name), func(ctx context.Context) error {
			err := e.core.Delete().Namespace(e.namespace).Resource("pods").Name(p.Name).Body(options).Do(ctx).Error()
			if apierrors.IsNotFound(err) {
				return nil
			}
			return err
		}))
	}
	return errors.Join(failures...)
}
