package kubernetes

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ktask/ktask/engine"
)

// Everything that ktask creates on a cluster has the label labelRun, and its other labels as annotations: a label's value has at
// most 63 characters, of a few kinds.
const (
	prefix             = "dev.ktask."
	labelRun           = prefix + "run"
	annotationTask     = prefix + "task"
	annotationAttempt  = prefix + "attempt"
	annotationOwner    = prefix + "owner"
	annotationVersion  = prefix + "version"
	annotationLifetime = prefix + "lifetime"
)

// longestName is the longest name of a Job, which is also a value of a label of its pods.
const longestName = 63

// jobName returns ktask-<run>-<task>-<attempt>. Characters that Kubernetes does not allow become "-"; if that or the length changes
// the name, a part of its hash keeps it unique. The ConfigMap and the Secret of the Job have the same name.
func jobName(l engine.Labels) string {
	exact := fmt.Sprintf("ktask-%s-%s", l.Run, l.Task)
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-':
			return r
		}
		return '-'
	}, exact)
	attempt := "-" + strconv.Itoa(l.Attempt)
	if limit := longestName - len(attempt); name != exact || len(name) > limit {
		hash := fmt.Sprintf("-%x", sha256.Sum256([]byte(exact)))[:9]
		name = name[:min(len(name), limit-len(hash))] + hash
	}
	return name + attempt
}

// meta returns the metadata of an object of an attempt.
func meta(l engine.Labels) metav1.ObjectMeta {
	m := metav1.ObjectMeta{
		Name:   jobName(l),
		Labels: map[string]string{labelRun: l.Run},
		Annotations: map[string]string{
			annotationTask: l.Task, annotationAttempt: strconv.Itoa(l.Attempt), annotationOwner: l.Owner, annotationVersion: l.Version,
		},
	}
	if l.Lifetime > 0 {
		m.Annotations[annotationLifetime] = strconv.FormatInt(seconds(l.Lifetime), 10)
	}
	return m
}

// labelsOf parses what meta returns. Missing labels are zero.
func labelsOf(m metav1.ObjectMeta) engine.Labels {
	attempt, _ := strconv.Atoi(m.Annotations[annotationAttempt])
	lifetime, _ := strconv.ParseInt(m.Annotations[annotationLifetime], 10, 32)
	return engine.Labels{
		Run: m.Labels[labelRun], Task: m.Annotations[annotationTask], Attempt: attempt, Owner: m.Annotations[annotationOwner],
		Version: m.Annotations[annotationVersion], Lifetime: time.Duration(max(lifetime, 0)) * time.Second,
	}
}

// seconds returns whole seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
