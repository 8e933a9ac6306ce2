package kubernetes

import (
	"context"
	"errors"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

var _ engine.TaskRunner = (*Engine)(nil)

// RunTask runs a task as one Job, as Keptn does: the cluster decides about attempts, waits and the deadline, and its words are the
// verdict. What can never start ends the task at once, not at its deadline.
func (e *Engine) RunTask(ctx context.Context, t plan.Task, labels engine.Labels, attempts engine.Attempts) (engine.Verdict, error) {
	o, err := convert(t.Container, labels)
	if err != nil {
		return engine.Verdict{}, err
	}
	asTask(&o.job, t)
	a := &attempt{engine: e, container: t.Container, objects: o, whole: true}
	state, leave := e.watch(labels.Run, &o.job, true)
	defer leave()
	a.pod = state
	verdict, err := a.carryOutTask(ctx, attempts)
	if a.nothing {
		return verdict, err
	}
	return verdict, errors.Join(err, a.remove(ctx))
}

// asTask gives a Job the rules of a task, see generateJob in Keptn's lifecycle-operator.
func asTask(job *batchv1.Job, t plan.Task) {
	job.Spec.BackoffLimit = new(int32(t.Retry.Limit))
	job.Spec.ActiveDeadlineSeconds = new(int64(t.Timeout / time.Second))
	job.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
	template := &job.Spec.Template.ObjectMeta
	for _, l := range t.Labels {
		if _, own := template.Labels[l.Key]; !own {
			template.Labels[l.Key] = l.Value
		}
	}
	template.Annotations = map[string]string{}
	for _, l := range t.Annotations {
		template.Annotations[l.Key] = l.Value
	}
}

func (a *attempt) carryOutTask(ctx context.Context, attempts engine.Attempts) (engine.Verdict, error) {
	if err := a.create(ctx); err != nil {
		return engine.Verdict{}, err
	}
	limit := *a.objects.job.Spec.BackoffLimit
	for n := int32(0); ; n++ {
		if err := a.starts(ctx, n); err != nil {
			return engine.Verdict{}, err
		}
		if pod, _ := a.pod.get(); !started(pod, n) {
			verdict, err := a.ends(ctx, n)
			switch {
			case err != nil:
				return engine.Verdict{}, err
			case verdict != nil:
				return *verdict, nil
			}
			a.pod.turn()
			n = -1
			continue
		}
		out := attempts.Start()
		stopped, unread, err := a.follow(ctx, n, out.Stdout)
		switch {
		case err != nil:
			return engine.Verdict{}, err
		case stopped:
			return engine.Verdict{}, context.Cause(ctx)
		}
		exit, err := a.exitOfStart(n, out)
		if err != nil {
			return engine.Verdict{}, err
		}
		var verdict *engine.Verdict
		if again := exit.Code != 0 && !exit.Stopped && n < max(limit, 1); !again {
			if verdict, err = a.ends(ctx, n); err != nil {
				return engine.Verdict{}, err
			}
		}
		// Output that is missing since the cluster has ended the pod is no reason to end the task.
		if pod, _ := a.pod.get(); unread != nil && (verdict != nil && verdict.Status == engine.Passed || !exit.Stopped && !evicted(pod)) {
			return engine.Verdict{}, unread
		}
		attempts.End(exit, verdict)
		if verdict != nil {
			return *verdict, nil
		}
	}
}

// ends waits for the verdict of the Job. It is nil if the Job has replaced its pod.
func (a *attempt) ends(ctx context.Context, n int32) (verdict *engine.Verdict, err error) {
	if !a.pod.await(ctx, unlimited, func(*corev1.Pod, bool) bool {
		verdict = a.pod.verdict()
		return verdict != nil || a.pod.replaced() || a.pod.jobless() || a.pod.unseen() != nil
	}) {
		return nil, errors.Join(context.Cause(ctx), a.stop(ctx, n))
	}
	switch {
	case a.pod.replaced(): // with output of its own
		return nil, nil
	case verdict != nil:
		return verdict, nil
	case a.pod.jobless():
		return nil, removed(a.objects.job.Name)
	}
	return nil, a.engine.explain(ctx, "watch the Job", a.pod.unseen())
}

// exitOfStart returns how the n-th start of the container ended. The Job has stopped it if it is the last one and its pod was being
// deleted then.
func (a *attempt) exitOfStart(n int32, out engine.Output) (engine.Exit, error) {
	pod, _ := a.pod.get()
	stopped := pod.DeletionTimestamp != nil && restarts(pod) == n
	switch t := a.pod.end(n); {
	case evicted(pod) && restarts(pod) == n && (t == nil || t.ExitCode != 0):
		exit := engine.Exit{Code: -1, Reason: engine.ContainerRemoved, Message: pod.Status.Reason + ": " + pod.Status.Message}
		if t != nil {
			exit.Code, exit.Signal = int(t.ExitCode), signalName(int(t.ExitCode))
		}
		return exit, nil
	case t != nil:
		return exitOf(t, imageOf(pod), stopped, out)
	case stopped:
		return engine.Exit{Code: 137, Signal: signalName(137), Stopped: true}, nil
	}
	return engine.Exit{Code: -1, Message: "the cluster has not reported how this start ended"}, nil
}

// jobless reports whether the Job was seen, and is gone.
func (s *podState) jobless() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobGone
}

// verdict returns how the Job has ended by its conditions, or nil. Two of them come before the end: the decision is final.
func (s *podState) verdict() *engine.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.job == nil {
		return nil
	}
	for _, c := range s.job.Status.Conditions {
		if c.Status != corev1.ConditionTrue {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete, batchv1.JobSuccessCriteriaMet:
			return &engine.Verdict{Status: engine.Passed}
		case batchv1.JobFailed, batchv1.JobFailureTarget:
			v := &engine.Verdict{Status: engine.Failed, Reason: engine.Reason(c.Reason), Message: c.Message}
			if c.Reason == batchv1.JobReasonDeadlineExceeded {
				v.Status = engine.TimedOut
			}
			return v
		}
	}
	return nil
}
