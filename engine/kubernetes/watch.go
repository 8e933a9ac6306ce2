package kubernetes

import (
	"context"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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
	// refused is why the user may not watch pods, or nil.
	refused error
	// freed is when an attempt has last left its room on the cluster to others.
	freed time.Time
}

// podState is the last state of the pod of an attempt or, of a Job that replaces its pods, of the one whose turn it is.
type podState struct {
	run *podWatch
	// noRoom is why the cluster has no room for the attempt, or nil. It is guarded by the mutex of run.
	noRoom error

	changed chan struct{} // has a value after a change
	mu      sync.Mutex
	pod     *corev1.Pod // nil before the first state
	// next is the pod that the Job has made in place of pod, or nil.
	next *corev1.Pod
	// ends are how the starts of the container have ended, by their number, counted from 0. A state has only the last two.
	ends map[int32]*corev1.ContainerStateTerminated
	gone bool
	// asked reports whether somebody had deleted the pod before its container ended.
	asked   bool
	job     *batchv1.Job
	jobGone bool
	refused error
}

// watch returns the state of the pod of a Job, and with jobs also that of the Job. leave is called after the last use.
func (e *Engine) watch(run, job string, jobs bool) (state *podState, leave func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.watches[run]
	if w == nil {
		ctx, stop := context.WithCancel(context.Background())
		w = &podWatch{ctx: ctx, stop: stop, pods: map[string]*podState{}}
		e.watches[run] = w
		w.follow(e.core, "pods", e.namespace, run, &corev1.Pod{})
	}
	if jobs && !w.jobs {
		w.jobs = true
		w.follow(e.batch, "jobs", e.namespace, run, &batchv1.Job{})
	}
	w.users++
	state = &podState{run: w, changed: make(chan struct{}, 1), ends: map[int32]*corev1.ContainerStateTerminated{}}
	w.mu.Lock()
	w.pods[job], state.refused = state, w.refused
	w.mu.Unlock()
	return state, func() {
		w.leave(job, state)
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

// follow begins to watch the objects of a run.
func (w *podWatch) follow(client rest.Interface, resource, namespace, run string, object runtime.Object) {
	list := cache.NewFilteredListWatchFromClient(client, resource, namespace, func(o *metav1.ListOptions) { o.LabelSelector = labelRun + "=" + run })
	informer := cache.NewSharedInformer(list, object, 0)
	_, _ = informer.AddEventHandler(w)              // fails once it has stopped
	_ = informer.SetWatchErrorHandler(w.watchEnded) // fails once it runs
	go informer.Run(w.ctx.Done())
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

// watchEnded is called when the watch has ended, and before it is repeated. What the cluster refuses it refuses again.
func (w *podWatch) watchEnded(_ *cache.Reflector, err error) {
	if !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = err
	for _, state := range w.pods {
		state.mu.Lock()
		state.refused = err
		state.mu.Unlock()
		state.wake()
	}
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
	if state == nil {
		return
	}
	state.mu.Lock()
	change(state)
	state.mu.Unlock()
	state.wake()
}

func (s *podState) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// unseen returns why no state of the pod can be seen, or nil.
func (s *podState) unseen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
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
	for !met(s.get()) {
		select {
		case <-s.changed:
		case <-limit.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}
