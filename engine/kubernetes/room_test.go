package kubernetes

import (
	"errors"
	"testing"
	"time"
)

// TestRoom: an attempt that has no room waits while another one has some, or had some until a moment ago.
func TestRoom(t *testing.T) {
	var (
		quota   = errors.New(`create job "a": jobs.batch "a" is forbidden: exceeded quota: few, requested: count/jobs.batch=1, used: count/jobs.batch=1`)
		memory  = errors.New(`no node takes pod "a": 0/2 nodes are available: 1 node(s) had untolerated taint {a: b}, 1 Insufficient memory.`)
		pods    = errors.New(`no node takes pod "a": 0/1 nodes are available: 1 Too many pods.`)
		tainted = errors.New(`no node takes pod "a": 0/1 nodes are available: 1 node(s) had untolerated taint {a: b}.`)
	)
	for name, test := range map[string]struct {
		err    error
		others []error // why others have no room
		freed  time.Duration
		waits  bool
	}{
		"it has room":                             {nil, nil, time.Hour, false},
		"no other is there":                       {memory, nil, time.Hour, false},
		"another has room":                        {memory, []error{pods, nil}, time.Hour, true},
		"another has room, of a quota":            {quota, []error{nil}, time.Hour, true},
		"another has room, pods are counted":      {pods, []error{nil}, time.Hour, true},
		"no other has room":                       {quota, []error{memory, pods}, time.Hour, false},
		"another has just ended":                  {memory, []error{pods}, time.Second, true},
		"another has room, but this is no matter": {tainted, []error{nil}, time.Second, false},
	} {
		w := &podWatch{pods: map[string]*podState{}, freed: time.Now().Add(-test.freed)}
		s := &podState{run: w}
		w.pods["this"] = s
		for _, why := range test.others {
			w.pods[string(rune('a'+len(w.pods)))] = &podState{run: w, noRoom: why}
		}
		got := s.room(test.err, time.Minute)
		if waits := test.err != nil && got == nil; waits != test.waits || !waits && got != test.err { //nolint:errorlint // the same error
			t.Errorf("%s: %v, want that it waits: %v", name, got, test.waits)
		}
		freed := w.freed
		if w.leave("this", s); w.freed.After(freed) != (test.err == nil || test.err == tainted) { //nolint:errorlint // the same error
			t.Errorf("%s: it leaves room: %v", name, w.freed.After(freed))
		}
	}
}
