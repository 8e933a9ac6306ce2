package kubernetes

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/engine"
)

// TestEviction: a pod that the cluster has ended may never report the end of its container. The attempt ends with the cluster's words.
func TestEviction(t *testing.T) {
	pod := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "The node was low on resource: memory."}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	if !over(0)(pod, false) {
		t.Fatal("the attempt goes on")
	}
	_, err := (&attempt{pod: &podState{pod: pod}}).exit(false)
	failure, ok := errors.AsType[*engine.Error](err)
	if !ok || failure.Reason != engine.ContainerRemoved || !strings.Contains(err.Error(), "low on resource") || !failure.Remedy.Known() {
		t.Errorf("error %+v", err)
	}
}

// TestStarts tells the starts of a container apart by what a kubelet reports.
func TestStarts(t *testing.T) {
	ended1, ended2 := &corev1.ContainerStateTerminated{ExitCode: 1}, &corev1.ContainerStateTerminated{ExitCode: 2}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	for name, test := range map[string]struct {
		status  corev1.ContainerStatus
		n       int32
		started bool
		end     *corev1.ContainerStateTerminated
	}{
		"being created":             {corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}, 0, false, nil},
		"the first runs":            {corev1.ContainerStatus{State: running}, 0, true, nil},
		"the first has ended":       {corev1.ContainerStatus{State: corev1.ContainerState{Terminated: ended1}}, 0, true, ended1},
		"the second is awaited":     {corev1.ContainerStatus{State: corev1.ContainerState{Terminated: ended1}}, 1, false, nil},
		"the first, in the pause":   {corev1.ContainerStatus{State: waiting, LastTerminationState: corev1.ContainerState{Terminated: ended1}}, 0, true, ended1},
		"the first, after it":       {corev1.ContainerStatus{RestartCount: 1, State: running, LastTerminationState: corev1.ContainerState{Terminated: ended1}}, 0, true, ended1},
		"the second runs":           {corev1.ContainerStatus{RestartCount: 1, State: running, LastTerminationState: corev1.ContainerState{Terminated: ended1}}, 1, true, nil},
		"the first, both ended":     {corev1.ContainerStatus{RestartCount: 1, State: corev1.ContainerState{Terminated: ended2}, LastTerminationState: corev1.ContainerState{Terminated: ended1}}, 0, true, ended1},
		"the second, both ended":    {corev1.ContainerStatus{RestartCount: 1, State: corev1.ContainerState{Terminated: ended2}, LastTerminationState: corev1.ContainerState{Terminated: ended1}}, 1, true, ended2},
		"the first, second paused":  {corev1.ContainerStatus{RestartCount: 1, State: waiting, LastTerminationState: corev1.ContainerState{Terminated: ended2}}, 0, true, nil},
		"the second, second paused": {corev1.ContainerStatus{RestartCount: 1, State: waiting, LastTerminationState: corev1.ContainerState{Terminated: ended2}}, 1, true, ended2},
	} {
		pod := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{test.status}}}
		if got := started(pod, test.n); got != test.started {
			t.Errorf("%s: started is %v", name, got)
		}
		if got := ended(pod, test.n); got != test.end {
			t.Errorf("%s: the end is %v", name, got)
		}
		if got := over(test.n)(pod, false); got != (test.end != nil || test.status.RestartCount > test.n) {
			t.Errorf("%s: over is %v", name, got)
		}
	}
}

// TestEarlyKubelet: a kubelet that has not read the Secret in time, or not found it yet, tries again, so the attempt goes on.
func TestEarlyKubelet(t *testing.T) {
	a := &attempt{pod: newPodState(nil, "")}
	a.objects.job.Name = "ktask-run-task-1"
	for message, ends := range map[string]bool{
		"pull QPS exceeded": false,
		"failed to sync secret cache: timed out waiting for the condition": false,
		`secret "ktask-run-task-1" not found`:                              false,
		`secret "nope" not found`:                                          true,
	} {
		waiting := &corev1.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: message}
		pod := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: waiting}}}}}
		if err := a.unstartable(pod); (err != nil) != ends {
			t.Errorf("%s: error %v", message, err)
		}
	}
}
