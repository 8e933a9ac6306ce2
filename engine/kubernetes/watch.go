package kubernetes

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// podState is the last state of the pod of an attempt or, of a Job that replaces its pods, of the one whose turn it is.
type podState struct {
	run *podWatch
	// noRoom is why the cluster has no room for the attempt, or nil. It is guarded by the mutex of run.
	noRoom error

	// container is the name of the container of the task. A cluster may add others to the pod.
	container string
	mu        sync.Mutex
	changed   chan struct{} // is closed at the next change
	pod       *corev1.Pod   // nil before the first state
	// next is the pod that the Job has made in place of pod, or nil.
	next *corev1.Pod
	// ends are how the starts of the container have ended, by their number, counted from 0. A state has only the last two.
	ends map[int32]*corev1.ContainerStateTerminated
	gone bool
	// asked reports whether somebody had deleted the pod before its container ended.
	asked   bool
	job     *batchv1.Job
	jobGone bool
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

func newPodState(w *podWatch, container string) *podState {
	return &podState{run: w, container: container, changed: make(chan struct{}), ends: map[int32]*corev1.ContainerStateTerminated{}}
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

// unseen returns why no state can be seen, or nil. What the cluster refuses it refuses again; all else may pass for a while.
func (s *podState) unseen() error {
	w := s.run
	w.mu.Lock()
	defer w.mu.Unlock()
	if apierrors.IsForbidden(w.failure) || w.failure != nil && time.Since(w.failing) > returnsWithin {
		return w.failure
	}
	return nil
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

// see records a state of the pod, or of the one that replaces it.
func (s *podState) see(pod *corev1.Pod, gone bool) {
	pod = s.own(pod)
	if s.pod != nil && s.pod.UID != pod.UID {
		if !gone && !pod.CreationTimestamp.Before(&s.pod.CreationTimestamp) {
			s.next = pod
		}
		return
	}
	s.pod, s.gone = pod, gone
	s.asked = s.asked || pod.DeletionTimestamp != nil && !over(restarts(pod))(pod, gone)
	for _, n := range []int32{restarts(pod) - 1, restarts(pod)} {
		if t := ended(pod, n); t != nil {
			s.ends[n] = t
		}
	}
}

// own returns the pod without the states of other containers of a pod than that of the task.
func (s *podState) own(pod *corev1.Pod) *corev1.Pod {
	own := *pod
	own.Status.ContainerStatuses = nil
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == s.container {
			own.Status.ContainerStatuses = []corev1.ContainerStatus{status}
		}
	}
	return &own
}

// wasAsked reports whether somebody had deleted the pod before its container ended: an end without an error is no success then.
func (s *podState) wasAsked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// replaced reports whether the Job has made another pod.
func (s *podState) replaced() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next != nil
}

// turn goes on to the pod that replaces the one before. It reports whether there is one.
func (s *podState) turn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	pod := s.next
	if pod == nil {
		return false
	}
	s.pod, s.next, s.asked, s.ends = nil, nil, false, map[int32]*corev1.ContainerStateTerminated{}
	s.see(pod, false)
	return true
}

// end returns how the n-th start of the container has ended, or nil if no state has shown it.
func (s *podState) end(n int32) *corev1.ContainerStateTerminated {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ends[n]
}

func (w *podWatch) change(job string, change func(*podState)) {
	w.mu.Lock()
	state := w.pods[job]
	w.mu.Unlock()
	if state != nil {
		state.change(change)
	}
}

// change changes the state, and tells all who wait for a change.
func (s *podState) change(change func(*podState)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
	close(s.changed)
	s.changed = make(chan struct{})
}

// get returns the last state; pod is nil if there is none yet.
func (s *podState) get() (pod *corev1.Pod, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pod, s.gone
}

// await waits until met returns true, at most for a time, and reports whether it has.
func (s *podState) await(ctx context.Context, within time.Duration, met func(pod *corev1.Pod, gone bool) bool) bool {
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		s.mu.Lock()
		pod, gone, changed := s.pod, s.gone, s.changed
		s.mu.Unlock()
		if met(pod, gone) {
			return true
		}
		select {
		case <-changed:
		case <-limit.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
