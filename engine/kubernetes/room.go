package kubernetes

import (
	"context"
	"errors"
	"regexp"
	"time"
)

const (
	// notices is how long the scheduler may take to see that there is room again, see podMaxBackoffSeconds in
	// https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/. A quota is counted again sooner.
	notices = 15 * time.Second
	// recreates is how long the Job controller may take to create a pod that a quota did not allow before, see MaxJobApiBackOff in
	// https://github.com/kubernetes/kubernetes/blob/v1.33.0/pkg/controller/job/job_controller.go.
	recreates = 75 * time.Second
	// asks is the wait before ktask creates an object again that a quota did not allow.
	asks = time.Second
)

// full is what a cluster says that has no room for now: the plugins NodeResourcesFit of the scheduler and ResourceQuota of the API
// server.
var full = regexp.MustCompile(`exceeded quota: |[0-9] (Insufficient [a-z]|Too many pods)`)

// room returns err, which is why an attempt cannot start, or nil. It returns nil also if the cluster has no room for now and other
// attempts of the run have some, or had until a moment ago: what they leave is enough, or the last one finds out that it is not.
// within is how long the cluster may take to see that there is room.
func (s *podState) room(err error, within time.Duration) error {
	w := s.run
	w.mu.Lock()
	defer w.mu.Unlock()
	s.noRoom = nil
	if err == nil || !full.MatchString(err.Error()) {
		return err
	}
	s.noRoom = err
	if time.Since(w.freed) < within {
		return nil
	}
	for _, other := range w.pods {
		if other.noRoom == nil {
			return nil
		}
	}
	return err
}

// waitsFor returns the words of the cluster that has no room for the attempt, or nil if it has.
func (s *podState) waitsFor() error {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	return s.noRoom
}

// whenAllowed creates an object of the attempt. It tries again while others of the run use up a quota.
func (a *attempt) whenAllowed(ctx context.Context, create func() error) error {
	for {
		err := create()
		if err == nil || a.pod.room(err, notices) != nil {
			return err
		}
		if pause(ctx, asks); ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
