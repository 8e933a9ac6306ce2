package kubernetes

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// podWatch keeps the states of all pods of a run, with one watch, and with a second one those of its Jobs.
type podWatch struct {
	// ctx ends with stop.
	ctx  context.Context //nolint:containedctx // of goroutines that end together
	stop context.CancelFunc
	// jobs reports whether the Jobs are watched, too.
	jobs bool
	// users is how many attempts use it.
	users int

	mu   sync.Mutex
	pods map[string]*podState // by the name of the Job
	// failure is why the last request to list or watch has failed, or nil, and failing is since when all have.
	failure error
	failing time.Time
	// freed is when an attempt has last left its room on the cluster to others.
	freed time.Time
}

// watch returns the state of the pod of a Job, and with whole also that of the Job. leave is called after the last use.
func (e *Engine) watch(run string, job *batchv1.Job, whole bool) (state *podState, leave func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.watches[run]
	if w == nil {
		ctx, stop := context.WithCancel(context.Background())
		w = &podWatch{ctx: ctx, stop: stop, pods: map[string]*podState{}}
		e.watches[run] = w
		w.follow(e.core, "pods", e.namespace, run, &corev1.Pod{})
	}
	if whole && !w.jobs {
		w.jobs = true
		w.follow(e.batch, "jobs", e.namespace, run, &batchv1.Job{})
	}
	w.users++
	state = newPodState(w, job.Spec.Template.Spec.Containers[0].Name)
	w.mu.Lock()
	w.pods[job.Name] = state
	w.mu.Unlock()
	return state, func() {
		w.leave(job.Name, state)
		e.mu.Lock()
		defer e.mu.Unlock()
		if w.users--; w.users == 0 {
			w.stop()
			delete(e.watches, run)
		}
	}
}

// leave forgets the attempt of a Job, of which nothing is left on the cluster.
func (w *podWatch) leave(job string, state *podState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if state.noRoom == nil {
		w.freed = time.Now()
	}
	delete(w.pods, job)
}

// errClosed is why there is no watch when client-go returns an empty one, without an error, for a connection that was closed.
var errClosed = errors.New("the connection was closed")

// follow begins to watch the objects of a run.
func (w *podWatch) follow(client rest.Interface, resource, namespace, run string, object runtime.Object) {
	source := cache.NewFilteredListWatchFromClient(client, resource, namespace, func(o *metav1.ListOptions) { o.LabelSelector = labelRun + "=" + run })
	informer := cache.NewSharedInformer(&cache.ListWatch{
		ListFunc: func(o metav1.ListOptions) (runtime.Object, error) {
			all, err := source.List(o)
			w.answered(err)
			return all, err
		},
		WatchFunc: func(o metav1.ListOptions) (watch.Interface, error) {
			events, err := source.Watch(o)
			if err == nil && reflect.TypeOf(events) == reflect.TypeOf(watch.NewEmptyWatch()) {
				w.answered(errClosed)
			} else {
				w.answered(err)
			}
			return events, err
		},
	}, object, 0)
	_, _ = informer.AddEventHandler(w)                                  // fails once it has stopped
	_ = informer.SetWatchErrorHandler(func(*cache.Reflector, error) {}) // fails once it runs; answered has been told
	go informer.Run(w.ctx.Done())
}

// answered records whether a request to list or watch has failed.
func (w *podWatch) answered(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.failure = err; {
	case err == nil:
		w.failing = time.Time{}
		return
	case w.failing.IsZero():
		w.failing = time.Now()
	}
	for _, state := range w.pods {
		state.change(func(*podState) {})
	}
}

// OnAdd implements cache.ResourceEventHandler.
func (w *podWatch) OnAdd(object any, _ bool) { w.set(object, false) }

// OnUpdate implements cache.ResourceEventHandler.
func (w *podWatch) OnUpdate(_, object any) { w.set(object, false) }

// OnDelete implements cache.ResourceEventHandler.
func (w *podWatch) OnDelete(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	w.set(object, true)
}

func (w *podWatch) set(object any, gone bool) {
	switch object := object.(type) {
	case *corev1.Pod:
		w.change(object.Labels[batchv1.JobNameLabel], func(s *podState) { s.see(object, gone) })
	case *batchv1.Job:
		w.change(object.Name, func(s *podState) { s.job, s.jobGone = object, gone })
	}
}

func (w *podWatch) change(job string, change func(*podState)) {
	w.mu.Lock()
	state := w.pods[job]
	w.mu.Unlock()
	if state != nil {
		state.change(change)
	}
}
