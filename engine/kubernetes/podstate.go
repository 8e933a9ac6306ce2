package kubernetes

import (
	"context"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

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

func newPodState(w *podWatch, container string) *podState {
	return &podState{run: w, container: container, changed: make(chan struct{}), ends: map[int32]*corev1.ContainerStateTerminated{}}
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
