package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

const (
	// unseenFor is how long a Job may have no pod until its events are asked for the reason; each further wait is twice as long, up
	// to longestUnseen.
	unseenFor, longestUnseen = time.Second, 16 * time.Second
	// settles is how long the kubelet may take to report the end of a process that has ended or was killed, and the cluster to
	// remove the pod.
	settles = time.Minute
	// unlimited is a time limit that is never reached.
	unlimited = 1<<63 - 1
)

// attempt is one Job from its creation to its removal.
type attempt struct {
	engine    *Engine
	container plan.Container
	objects   objects
	out       engine.Output
	pod       *podState
	owner     metav1.OwnerReference
	// whole reports whether the Job is a whole task.
	whole bool
	// nothing reports whether the cluster has refused the Job, so that there is nothing to remove.
	nothing bool
	// inputs are the resources of what was created for the Job.
	inputs []string
}

// Prepare does nothing: the node pulls the image when the pod starts.
func (e *Engine) Prepare(ctx context.Context, _ plan.Container, _ engine.Sink) error {
	return context.Cause(ctx)
}

// Run runs one attempt: create the Job, then what it needs, follow its output, read its end from the state of the pod, and remove
// the Job. The Job comes first: if ktask is killed at any moment, the cluster removes all of it.
func (e *Engine) Run(ctx context.Context, c plan.Container, labels engine.Labels, out engine.Output) (engine.Exit, error) {
	if ctx.Err() != nil {
		return engine.Exit{}, context.Cause(ctx)
	}
	o, err := convert(c, labels)
	if err != nil {
		return engine.Exit{}, err
	}
	a := &attempt{engine: e, container: c, objects: o, out: out}
	state, leave := e.watch(labels.Run, &o.job, false)
	defer leave()
	a.pod = state
	exit, err := a.carryOut(ctx)
	if a.nothing {
		return exit, err
	}
	return exit, errors.Join(err, a.remove(ctx))
}

func (a *attempt) carryOut(ctx context.Context) (engine.Exit, error) {
	if err := a.create(ctx); err != nil {
		return engine.Exit{}, err
	}
	if err := a.starts(ctx, 0); err != nil {
		return engine.Exit{}, err
	}
	if a.out.Started != nil {
		a.out.Started()
	}
	stopped, unread, err := a.follow(ctx, 0, a.out.Stdout)
	if err != nil {
		return engine.Exit{}, err
	}
	exit, err := a.exit(stopped)
	return exit, cmp.Or(err, unread)
}

// create creates the Job and what its pod needs. What was created belongs to the Job.
func (a *attempt) create(ctx context.Context) error {
	o := a.objects
	var job batchv1.Job
	if err := a.whenAllowed(ctx, func() error { return a.engine.create(ctx, a.engine.batch, "jobs", &o.job, &job) }); err != nil {
		a.nothing = isRefused(err)
		return err
	}
	if job.UID == "" { // the answer to its creation was lost
		var err error
		if job, err = a.job(ctx); err != nil {
			return err
		}
	}
	a.owner = *metav1.NewControllerRef(&job, batchv1.SchemeGroupVersion.WithKind("Job"))
	a.owner.BlockOwnerDeletion = nil // it needs a right on the Job that the rest does not
	if o.files != nil {
		if err := a.createInput(ctx, "configmaps", o.files, &corev1.ConfigMap{}); err != nil {
			return err
		}
	}
	if o.secrets != nil {
		return a.createInput(ctx, "secrets", o.secrets, &corev1.Secret{})
	}
	return nil
}

// createInput creates an object that belongs to the Job.
func (a *attempt) createInput(ctx context.Context, resource string, object, created runtimeObject) error {
	object.SetOwnerReferences([]metav1.OwnerReference{a.owner})
	err := a.whenAllowed(ctx, func() error { return a.engine.create(ctx, a.engine.core, resource, object, created) })
	if !isRefused(err) {
		a.inputs = append(a.inputs, resource)
	}
	return err
}

// isRefused reports whether the cluster has answered a request and has not done it.
func isRefused(err error) bool {
	failure, ok := errors.AsType[*engine.Error](err)
	return ok && failure.Reason == engine.EngineRefused
}

// create creates an object. The end of ctx does not interrupt the request: it would not be known what there is.
func (e *Engine) create(ctx context.Context, client rest.Interface, resource string, object, created runtimeObject) error {
	what := fmt.Sprintf("create %s %q", strings.TrimSuffix(resource, "s"), object.GetName())
	return e.do(ctx, what, func(ctx context.Context) error {
		return client.Post().Namespace(e.namespace).Resource(resource).Body(object).Do(ctx).Into(created)
	})
}

// starts waits until the container has started for the n-th time, counted from 0, or until the Job has its verdict or another pod. The
// error is why it does not start, or the cause of ctx.
func (a *attempt) starts(ctx context.Context, n int32) (err error) {
	for wait := unseenFor; ; {
		known := false
		a.pod.await(ctx, wait, func(pod *corev1.Pod, gone bool) bool {
			switch refused := a.pod.unseen(); {
			case refused != nil:
				err = a.engine.explain(ctx, "watch pods", refused)
			case started(pod, n), a.pod.verdict() != nil, a.pod.replaced():
			case gone && !a.whole, a.pod.jobless():
				err = removed(a.objects.job.Name)
			case gone, pod == nil:
				return false
			default:
				if err = a.pod.room(a.unstartable(pod), notices); err == nil {
					return false
				}
			}
			known = true
			return true
		})
		switch pod, _ := a.pod.get(); {
		case known:
			return err
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), a.pod.waitsFor())
		case pod == nil:
			if err := a.pod.room(a.refused(ctx), recreates); err != nil {
				return err
			}
			if _, err := a.job(ctx); err != nil {
				return err
			}
			wait = min(2*wait, longestUnseen)
		}
	}
}

// stop ends the container and waits for its end.
func (a *attempt) stop(ctx context.Context, n int32) error {
	ctx = context.WithoutCancel(ctx)
	if err := a.engine.deleteJob(ctx, a.objects.job.Name); err != nil {
		return err
	}
	a.pod.await(ctx, a.container.Grace+settles, over(n))
	return nil
}

// remove removes the Job with all that it owns, and returns when its pod is gone.
func (a *attempt) remove(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	name := a.objects.job.Name
	err := a.engine.deleteJob(ctx, name)
	for _, resource := range a.inputs {
		err = errors.Join(err, a.engine.delete(ctx, a.engine.core, resource, name))
	}
	switch pod, _ := a.pod.get(); {
	case err != nil, a.pod.unseen() != nil:
	case pod == nil: // there may be one since
		err = a.engine.podGone(ctx, a.objects.job.Labels[labelRun], name, unseenFor)
	default:
		for more := true; more && err == nil; more = a.pod.turn() {
			if !a.pod.await(ctx, a.container.Grace+settles, func(_ *corev1.Pod, gone bool) bool { return gone || a.pod.unseen() != nil }) {
				err = stays(name, pod.Name)
			}
		}
	}
	return err
}
