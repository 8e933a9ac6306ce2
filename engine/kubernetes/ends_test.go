package kubernetes

import (
	"errors"
	"maps"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ktask/ktask/engine"
)

// stateOf returns the state of a pod after a kubelet has reported the statuses of its container one after another.
func stateOf(statuses ...corev1.ContainerStatus) *podState {
	w := &podWatch{}
	s := newPodState(w, "")
	w.pods = map[string]*podState{"job": s}
	for _, status := range statuses {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{batchv1.JobNameLabel: "job"}}}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{status}
		w.set(pod, false)
	}
	return s
}

// TestEndsOfStarts reports statuses as kubelets do. The last termination belongs to the latest start if that one has failed.
func TestEndsOfStarts(t *testing.T) {
	type container = corev1.ContainerState
	running := container{Running: &corev1.ContainerStateRunning{}}
	terminated := func(code int32) container {
		return container{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}
	waiting := func(reason string) container {
		return container{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
	}
	report := func(restarts int32, state, last container) corev1.ContainerStatus {
		return corev1.ContainerStatus{RestartCount: restarts, State: state, LastTerminationState: last}
	}
	for name, tc := range map[string]struct {
		statuses []corev1.ContainerStatus
		want     map[int32]int32
	}{
		"no state between the first and the last start": {
			[]corev1.ContainerStatus{report(0, terminated(3), container{}), report(2, terminated(5), terminated(4))}, map[int32]int32{0: 3, 1: 4, 2: 5},
		},
		"runs again": {[]corev1.ContainerStatus{report(1, running, terminated(3))}, map[int32]int32{0: 3}},
		"is created": {[]corev1.ContainerStatus{report(1, waiting("ContainerCreating"), terminated(3))}, map[int32]int32{0: 3}},
		"waits":      {[]corev1.ContainerStatus{report(1, waiting("CrashLoopBackOff"), terminated(3))}, map[int32]int32{1: 3}},
		"its command cannot be executed": {
			[]corev1.ContainerStatus{report(0, waiting("RunContainerError"), terminated(128)), report(1, waiting("RunContainerError"), terminated(128))},
			map[int32]int32{0: 128, 1: 128},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[int32]int32{}
			for n, end := range stateOf(tc.statuses...).ends {
				got[n] = end.ExitCode
			}
			if !maps.Equal(got, tc.want) {
				t.Errorf("the starts end with %v, want %v", got, tc.want)
			}
		})
	}
}

// TestUnseenEnd holds that an exit code that the cluster has not reported is not invented.
func TestUnseenEnd(t *testing.T) {
	last := corev1.ContainerStatus{RestartCount: 1, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	a := &attempt{pod: stateOf(last)}
	a.pod.pod.DeletionTimestamp = &metav1.Time{}
	for n, want := range []engine.Exit{{Code: -1}, {Code: 137, Signal: "SIGKILL", Stopped: true}} {
		got, err := a.exitOfStart(int32(n), engine.Output{})
		if got.Message = ""; err != nil || got != want {
			t.Errorf("start %d: %+v, %v, want %+v", n, got, err, want)
		}
	}
}

// TestVerdictThatIsNotSeen: a right that is lost while a Job runs ends the wait for its verdict.
func TestVerdictThatIsNotSeen(t *testing.T) {
	refused := apierrors.NewForbidden(schema.GroupResource{Resource: "jobs"}, "", errors.New("no more"))
	a := &attempt{engine: &Engine{}, pod: newPodState(&podWatch{failure: refused}, "")}
	verdict, err := a.ends(t.Context(), 0)
	if failure, ok := errors.AsType[*engine.Error](err); verdict != nil || !ok || failure.Reason != engine.EngineRefused {
		t.Errorf("verdict %v, error %v", verdict, err)
	}
}
