package kubernetes

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestUnseen: a missing right is final, all else may pass for a minute.
func TestUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &podWatch{}
		s := newPodState(w, "")
		w.pods = map[string]*podState{"job": s}
		for _, err := range []error{apierrors.NewUnauthorized("expired"), io.ErrUnexpectedEOF} {
			w.answered(err)
			if s.unseen() != nil {
				t.Errorf("%v counts at once", err)
			}
			time.Sleep(2 * returnsWithin)
			if s.unseen() == nil {
				t.Errorf("%v does not count after %v", err, 2*returnsWithin)
			}
			if w.answered(nil); s.unseen() != nil {
				t.Errorf("%v counts after an answer", err)
			}
		}
		forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no right"))
		if w.answered(forbidden); s.unseen() == nil {
			t.Error("a missing right does not count")
		}
	})
}

// TestOwnContainer: the state of a pod is that of the container of the task, whatever the cluster has added.
func TestOwnContainer(t *testing.T) {
	s := newPodState(&podWatch{}, "task")
	pod := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: "mesh", RestartCount: 7}, {Name: "task", RestartCount: 1}}}}
	s.see(pod, false)
	if got, _ := s.get(); restarts(got) != 1 || len(pod.Status.ContainerStatuses) != 2 {
		t.Errorf("%d restarts, the informer's object has %d containers", restarts(got), len(pod.Status.ContainerStatuses))
	}
}

// TestEvicted: what a node has ended has not ended by itself, whatever its exit code is; but it may have passed before.
func TestEvicted(t *testing.T) {
	for code, want := range map[int32]string{0: "", 137: "the cluster has ended pod \"p\": Evicted: too much storage"} {
		end := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
		a := &attempt{pod: stateOf(corev1.ContainerStatus{State: end})}
		a.out.Message = func(io.Reader) error { return nil }
		a.pod.pod.Name, a.pod.pod.Status.Phase = "p", corev1.PodFailed
		a.pod.pod.Status.Reason, a.pod.pod.Status.Message = "Evicted", "too much storage"
		if _, err := a.exit(false); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("exit code %d: error %v, want %q", code, err, want)
		}
	}
}

// TestFailedBeforeItsStart: a pod that no node keeps, or whose init container fails, ends an attempt; a Job may try another pod.
func TestFailedBeforeItsStart(t *testing.T) {
	rejected := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "OutOfcpu", Message: "no room"}}
	prepared := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, InitContainerStatuses: []corev1.ContainerStatus{
		{Name: "mesh-init", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Message: "no rules"}}},
	}}}
	unpulled := &corev1.Pod{Status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{
		{Name: "mesh-init", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "unauthorized"}}},
	}}}
	for pod, want := range map[*corev1.Pod]string{
		rejected: "OutOfcpu: no room", prepared: `"mesh-init" ended with exit code 3: no rules`, unpulled: `container "mesh-init", which the cluster has added: ErrImagePull`,
	} {
		a := &attempt{pod: newPodState(&podWatch{}, "task")}
		if err := a.unstartable(pod); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		a.whole = true
		if err := a.unstartable(pod); pod != unpulled && err != nil {
			t.Errorf("a whole task: error %v", err)
		}
	}
}

// TestOutputMayTakeLong: the rest of a log is awaited as long as something comes.
func TestOutputMayTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &progress{to: io.Discard}
		go func() {
			for range 10 {
				time.Sleep(drains / 2)
				_, _ = p.Write([]byte("line\n"))
			}
		}()
		began := time.Now()
		p.await(make(chan struct{}), drains)
		if took := time.Since(began); took < 5*drains || took > 8*drains {
			t.Errorf("it took %v", took)
		}
		synctest.Wait()
	})
}
