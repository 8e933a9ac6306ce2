package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/ktask/ktask/engine"
)

// status returns the status of the container of the task; it is nil if the kubelet has not reported it.
func status(pod *corev1.Pod) *corev1.ContainerStatus {
	if pod == nil || len(pod.Status.ContainerStatuses) == 0 {
		return nil
	}
	return &pod.Status.ContainerStatuses[0]
}

// imageOf returns the id of the image of the container, or "".
func imageOf(pod *corev1.Pod) string {
	if s := status(pod); s != nil {
		return s.ImageID
	}
	return ""
}

// restarts returns how often the container was started again.
func restarts(pod *corev1.Pod) int32 {
	if s := status(pod); s != nil {
		return s.RestartCount
	}
	return 0
}

// started reports whether the container has started for the n-th time, counted from 0.
func started(pod *corev1.Pod, n int32) bool {
	s := status(pod)
	return s != nil && (s.RestartCount > n || s.RestartCount == n && (s.State.Running != nil || ended(pod, n) != nil))
}

// ended returns the end of the n-th start of the container, or nil if it has not ended or if its end is not known any more.
func ended(pod *corev1.Pod, n int32) *corev1.ContainerStateTerminated {
	s := status(pod)
	switch {
	case s == nil:
	case s.RestartCount == n && s.State.Terminated != nil:
		return s.State.Terminated
	case s.RestartCount == n && failedToStart(s), s.RestartCount == n+1 && !failedToStart(s):
		return s.LastTerminationState.Terminated
	}
	return nil
}

// failedToStart reports whether the container waits because a start has failed: its last termination is then that of the latest start
// and not of the one before it, see convertToAPIContainerStatuses in the kubelet.
func failedToStart(s *corev1.ContainerStatus) bool {
	return s.State.Waiting != nil && !slices.Contains([]string{"", "ContainerCreating", "PodInitializing"}, s.State.Waiting.Reason)
}

// evicted reports whether the cluster has ended a pod, as a node that runs out of memory does. The ends of its containers may be
// missing, or be those of processes that the node has killed.
func evicted(pod *corev1.Pod) bool {
	return pod != nil && pod.Status.Phase == corev1.PodFailed && pod.Status.Reason != ""
}

// over returns whether the n-th start of the container has ended.
func over(n int32) func(pod *corev1.Pod, gone bool) bool {
	return func(pod *corev1.Pod, gone bool) bool {
		return gone || evicted(pod) || restarts(pod) > n || ended(pod, n) != nil
	}
}

// removed is the error of a pod that somebody else has removed.
func removed(job string) error {
	return &engine.Error{
		Reason: engine.ContainerRemoved, Err: fmt.Errorf("the pod of job %q was removed from the cluster, not by ktask", job),
		Remedy: engine.Remedy{Text: "run it again"},
	}
}

// exit returns how the container ended.
func (a *attempt) exit(stopped bool) (engine.Exit, error) {
	pod, gone := a.pod.get()
	s := status(pod)
	known := s != nil && s.State.Terminated != nil
	if evicted(pod) && !stopped && !(known && s.State.Terminated.ExitCode == 0) {
		return engine.Exit{}, &engine.Error{
			Reason: engine.ContainerRemoved, Err: fmt.Errorf("the cluster has ended pod %q: %s: %s", pod.Name, pod.Status.Reason, pod.Status.Message),
			Remedy: engine.Remedy{Text: "run it again, or give the task limits that a node has room for"},
		}
	}
	if !known {
		switch {
		case stopped: // the cluster has removed the pod before its end was reported
			return engine.Exit{Code: 137, Signal: signalName(137), Stopped: true}, nil
		case gone:
			return engine.Exit{}, removed(a.objects.job.Name)
		}
		return engine.Exit{}, &engine.Error{Reason: engine.EngineLost, Err: fmt.Errorf("the end of pod %q is not known", pod.Name)}
	}
	if !stopped && pod.DeletionTimestamp != nil && (s.State.Terminated.ExitCode != 0 || a.pod.wasAsked()) {
		return engine.Exit{}, removed(a.objects.job.Name)
	}
	return exitOf(s.State.Terminated, imageOf(pod), stopped, a.out)
}

// exitOf returns the Exit of a process that has ended.
func exitOf(t *corev1.ContainerStateTerminated, image string, stopped bool, out engine.Output) (engine.Exit, error) {
	exit := engine.Exit{
		Code: int(t.ExitCode), Signal: signalName(int(t.ExitCode)), Stopped: stopped,
		Started: t.StartedAt.Time, Finished: t.FinishedAt.Time, ImageDigest: digest(image),
	}
	switch t.Reason {
	case "OOMKilled":
		exit.OOMKilled, exit.Reason = true, engine.OOMKilled
	case "StartError", "ContainerCannotRun":
		return notStarted(t.Message), nil
	}
	return exit, out.Message(strings.NewReader(t.Message))
}

// digest returns the digest of the id of an image that came from a registry, or "".
func digest(id string) string {
	_, digest, _ := strings.Cut(id, "@")
	return digest
}

// notStarted returns the Exit of a command that cannot be executed. The codes are the shell's, as on other engines; the kubelet
// reports 128.
func notStarted(message string) engine.Exit {
	exit := engine.Exit{Code: 126, Reason: engine.CommandNotRunnable, Message: message}
	switch text := strings.ToLower(message); {
	case strings.Contains(text, "exec format error"):
		exit.Reason = engine.WrongArchitecture
	case strings.Contains(text, "argument list too long"):
		exit.Reason = engine.ArgumentsTooLong
	case strings.Contains(text, "not found"), strings.Contains(text, "no such file or directory"):
		exit.Code, exit.Reason = 127, engine.CommandNotFound
	}
	return exit
}

// The reasons why a container waits that end the attempt, see the kubelet's images and kuberuntime packages.
var unstartableReasons = map[string]engine.Reason{
	"ErrImagePull": engine.ImagePullFailed, "ImagePullBackOff": engine.ImagePullFailed, "RegistryUnavailable": engine.ImagePullFailed,
	"InvalidImageName": engine.ImageNotFound, "ErrImageNeverPull": engine.ImageNotFound,
	"CreateContainerConfigError": engine.EngineRefused, "CreateContainerError": engine.EngineRefused,
}

// unstartable returns why the container of a pod cannot start, or nil if it still may.
func (a *attempt) unstartable(pod *corev1.Pod) error {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return &engine.Error{
				Reason: engine.EngineRefused, Err: fmt.Errorf("no node takes pod %q: %s", pod.Name, c.Message),
				Remedy: engine.Remedy{Text: "lower the limits of the task, or give the cluster more room (`kubectl describe nodes`)"},
			}
		}
	}
	if pod.Status.Phase == corev1.PodFailed && !a.whole { // a Job may try another pod
		return failed(pod)
	}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if s.State.Waiting != nil {
			if err := a.unstartableContainer(pod, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// failed is the error of a pod that has failed before its container has started: no node keeps it, or a container that the cluster has
// added to it has failed.
func failed(pod *corev1.Pod) error {
	why := pod.Status.Reason + ": " + pod.Status.Message
	for _, s := range pod.Status.InitContainerStatuses {
		if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
			why = fmt.Sprintf("its init container %q ended with exit code %d: %s", s.Name, t.ExitCode, cmp.Or(t.Message, t.Reason))
		}
	}
	return &engine.Error{
		Reason: engine.EngineRefused, Err: fmt.Errorf("pod %q did not start: %s", pod.Name, why),
		Remedy: engine.Remedy{Text: "run it again, or see `kubectl get events`"},
	}
}

// unstartableContainer returns why a container of a pod that waits cannot start, or nil if it still may.
func (a *attempt) unstartableContainer(pod *corev1.Pod, s corev1.ContainerStatus) error {
	w := s.State.Waiting
	reason, ends := unstartableReasons[w.Reason]
	if !ends || a.early(w) {
		return nil
	}
	failure := &engine.Error{Reason: reason, Err: fmt.Errorf("pod %q: %s: %s", pod.Name, w.Reason, w.Message)}
	if s.Name != a.pod.container {
		failure.Err = fmt.Errorf("pod %q: container %q, which the cluster has added: %s: %s", pod.Name, s.Name, w.Reason, w.Message)
	}
	switch text := strings.ToLower(w.Message); {
	case reason == engine.EngineRefused && strings.Contains(text, "will run as root"):
		failure.Reason = engine.ImageRunsAsRoot
		failure.Remedy = engine.Remedy{Text: "set securityContext.runAsUser, or an image with another user"}
	case reason == engine.EngineRefused:
		failure.Remedy = engine.Remedy{Text: fmt.Sprintf("see `kubectl describe pod %s -n %s`", pod.Name, pod.Namespace)}
	case strings.Contains(text, "unauthorized"), strings.Contains(text, "denied"), strings.Contains(text, "forbidden"):
		failure.Reason = engine.ImageUnauthorized
		failure.Remedy = engine.Remedy{Text: "give the namespace's service account a pull secret, or correct the name of the image"}
	case strings.Contains(text, "not found"), reason == engine.ImageNotFound:
		failure.Reason = engine.ImageNotFound
		failure.Remedy = engine.Remedy{Text: "correct the name or the tag of the image, or push it to a registry that the cluster reaches", Option: engine.OptionImage}
	default:
		failure.Remedy = engine.Remedy{Text: "check that the nodes can reach the registry", Option: engine.OptionImage}
	}
	return failure
}

// early reports whether a kubelet tries again with success: it had not read an input of the Job in time or looked for it before it was
// created, or it does too much at a time.
func (a *attempt) early(w *corev1.ContainerStateWaiting) bool {
	text := strings.ToLower(w.Message)
	return strings.Contains(text, "timed out waiting for the condition") || strings.Contains(text, fmt.Sprintf("%q not found", a.objects.job.Name)) ||
		strings.Contains(text, "pull qps exceeded") ||
		w.Reason == "CreateContainerError" && (strings.Contains(text, "context deadline exceeded") || strings.Contains(text, "is reserved for"))
}

// refused returns why the cluster creates no pod for the Job, or nil if it still may: quotas and the security of pods are told in
// events alone.
func (a *attempt) refused(ctx context.Context) error {
	var events corev1.EventList
	selector := fields.Set{"involvedObject.uid": string(a.owner.UID), "reason": "FailedCreate"}.AsSelector().String()
	err := a.engine.do(ctx, "ask why there is no pod", func(ctx context.Context) error {
		return a.engine.core.Get().Namespace(a.engine.namespace).Resource("events").Param("fieldSelector", selector).Do(ctx).Into(&events)
	})
	if err != nil || len(events.Items) == 0 {
		if failure, ok := errors.AsType[*engine.Error](err); ok && failure.Reason == engine.EngineRefused {
			return nil // without the right to see events, the deadline ends the attempt
		}
		return err
	}
	return &engine.Error{
		Reason: engine.EngineRefused, Err: fmt.Errorf("the cluster refuses the pod of job %q: %s", a.objects.job.Name, events.Items[len(events.Items)-1].Message),
		Remedy: engine.Remedy{Text: "change what it names, or use a namespace that allows it (--kube-namespace)"},
	}
}

// job returns the Job that the cluster has. The error is that somebody else has removed it, if so.
func (a *attempt) job(ctx context.Context) (batchv1.Job, error) {
	var jobs batchv1.JobList
	name := a.objects.job.Name
	// To list is another right than to get.
	err := a.engine.do(ctx, fmt.Sprintf("list job %q", name), func(ctx context.Context) error {
		return a.engine.batch.Get().Namespace(a.engine.namespace).Resource("jobs").Param("fieldSelector", "metadata.name="+name).Do(ctx).Into(&jobs)
	})
	switch {
	case err != nil:
		return batchv1.Job{}, err
	case len(jobs.Items) == 0:
		return batchv1.Job{}, removed(name)
	}
	return jobs.Items[0], nil
}
