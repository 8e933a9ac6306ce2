package kubernetes

import (
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
	// unseenFor is how long a Job may have no pod until its events are asked for the reason.
	unseenFor = time.Second
	// settles is how long the kubelet may take to report the end of a process that has ended or was killed, and the cluster to
	// remove the pod.
	settles = time.Minute
	// drains is how long the output of a container that has ended may take.
	drains = 30 * time.Second
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
	// nothing reports whether the cluster has refused the Job, so that there is nothing to remove.
	nothing bool
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
	state, leave := e.watch(labels.Run, o.job.Name)
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
	if err := a.starts(ctx); err != nil {
		return engine.Exit{}, err
	}
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	read := make(chan struct{})
	go func() {
		defer close(read)
		a.read(reading)
	}()
	stopped := !a.pod.await(ctx, unlimited, over)
	if stopped {
		if err := a.stop(ctx); err != nil {
			return engine.Exit{}, err
		}
	}
	select {
	case <-read:
	case <-time.After(drains):
		stop()
		<-read
	}
	return a.exit(stopped)
}

// create creates the Job and what its pod needs. What was created belongs to the Job.
func (a *attempt) create(ctx context.Context) error {
	o := a.objects
	var job batchv1.Job
	if err := a.engine.create(ctx, a.engine.batch, "jobs", &o.job, &job); err != nil {
		failure, ok := errors.AsType[*engine.Error](err)
		a.nothing = ok && failure.Reason == engine.EngineRefused
		return err
	}
	a.owner = *metav1.NewControllerRef(&job, batchv1.SchemeGroupVersion.WithKind("Job"))
	a.owner.BlockOwnerDeletion = nil // it needs a right on the Job that the rest does not
	owners := []metav1.OwnerReference{a.owner}
	if o.files != nil {
		o.files.OwnerReferences = owners
		if err := a.engine.create(ctx, a.engine.core, "configmaps", o.files, &corev1.ConfigMap{}); err != nil {
			return err
		}
	}
	if o.secrets != nil {
		o.secrets.OwnerReferences = owners
		if err := a.engine.create(ctx, a.engine.core, "secrets", o.secrets, &corev1.Secret{}); err != nil {
			return err
		}
	}
	return nil
}

// create creates an object. The end of ctx does not interrupt the request: it would not be known what there is.
func (e *Engine) create(ctx context.Context, client rest.Interface, resource string, object, created runtimeObject) error {
	what := fmt.Sprintf("create %s %q", strings.TrimSuffix(resource, "s"), object.GetName())
	return e.do(ctx, what, func(ctx context.Context) error {
		return client.Post().Namespace(e.namespace).Resource(resource).Body(object).Do(ctx).Into(created)
	})
}

// starts waits until the container has started. The error is why it does not, or the cause of ctx.
func (a *attempt) starts(ctx context.Context) (err error) {
	for {
		known := false
		a.pod.await(ctx, unseenFor, func(pod *corev1.Pod, gone bool) bool {
			switch refused := a.pod.unseen(); {
			case refused != nil:
				err = a.engine.explain(ctx, "watch pods", refused)
			case gone:
				err = removed(a.objects.job.Name)
			case pod == nil:
				return false
			case started(pod):
			default:
				if err = a.unstartable(pod); err == nil {
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
			return context.Cause(ctx)
		case pod == nil:
			if err := a.refused(ctx); err != nil {
				return err
			}
		}
	}
}

// read passes on the output until the end of the container.
func (a *attempt) read(ctx context.Context) {
	pod, _ := a.pod.get()
	l := &logs{engine: a.engine, pod: pod.Name, container: pod.Spec.Containers[0].Name, to: a.out.Stdout}
	for {
		last := over(a.pod.get())
		err := l.follow(ctx)
		if err == nil && last || ctx.Err() != nil {
			return
		}
		if _, gone := a.pod.get(); gone {
			return
		}
		// The state may be late: until the end is known, more may come.
		pause(ctx, again)
	}
}

// stop ends the container and waits for its end.
func (a *attempt) stop(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if err := a.engine.deleteJob(ctx, a.objects.job.Name); err != nil {
		return err
	}
	a.pod.await(ctx, a.container.Grace+settles, over)
	return nil
}

// remove removes the Job with all that it owns, and returns when its pod is gone.
func (a *attempt) remove(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	name := a.objects.job.Name
	err := a.engine.deleteJob(ctx, name)
	for resource, there := range map[string]bool{"configmaps": a.objects.files != nil, "secrets": a.objects.secrets != nil} {
		if there {
			err = errors.Join(err, a.engine.delete(ctx, a.engine.core, resource, name))
		}
	}
	if pod, _ := a.pod.get(); err == nil && pod != nil {
		a.pod.await(ctx, a.container.Grace+settles, func(_ *corev1.Pod, gone bool) bool { return gone })
	}
	return err
}
