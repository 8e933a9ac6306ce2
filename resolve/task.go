package resolve

import (
	"strings"
	"time"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// What Keptn's schema fills in, and what ktask does where Kubernetes' own default makes no sense on a laptop.
const (
	defaultTimeout = 5 * time.Minute
	clusterRetries = 10
	defaultTTL     = 300 * time.Second
	localGrace     = 10 * time.Second
	clusterGrace   = 30 * time.Second
)

// task makes the plan of one task; ok is false where a problem prevents it.
func (r *resolver) task(u use) (t plan.Task, ok bool) {
	meta, before := u.meta(), len(r.problems.Errors())
	t = plan.Task{
		Name: u.name(), Definition: u.definition.Name, Namespace: meta.Namespace, Origin: origin(atLine(meta.Pos)),
		Labels: labels(meta.Labels), Semantics: r.options.Semantics,
		ServiceAccount: u.definition.ServiceAccount.Value, ImagePullSecrets: u.definition.ImagePullSecrets, TTL: defaultTTL,
	}
	if ttl := u.definition.TTLSecondsAfterFinished; ttl.Given {
		t.TTL = time.Duration(ttl.Value) * time.Second
	}
	r.retry(u, &t)
	r.timeout(u, &t)
	switch runner := u.definition.Runner.(type) {
	case *spec.Function:
		r.function(u, runner, &t)
	case *spec.Container:
		t.Runtime = plan.RuntimeContainer
		r.container(u, runner, &t)
	}
	t.Container.Grace = r.grace()
	t.Container.Mounts = r.options.Mounts
	t.Container.Network = r.options.Network
	t.Container.Platform = r.options.Platform
	r.replaceImage(&t.Container)
	return t, len(r.problems.Errors()) == before
}

// atLine drops the field, which for a whole object says nothing.
func atLine(p spec.Pos) spec.Pos {
	p.Field = ""
	return p
}

func labels(pairs []spec.Pair) plan.Labels {
	var all plan.Labels
	for _, p := range pairs {
		all = append(all, plan.Label{Key: p.Key, Value: p.Value})
	}
	return all
}

// retry takes the flag, then the KeptnTask's own count, then the definition's. Keptn itself gives a KeptnTask
// written by hand its own default of ten, whatever its definition says; Cluster semantics do that too.
func (r *resolver) retry(u use, t *plan.Task) {
	cluster := r.options.Semantics == plan.Cluster
	t.Retry = plan.Retry{Origin: byDefault, Backoff: plan.Backoff{Initial: r.scaled(time.Second), Max: r.scaled(30 * time.Second)}}
	if cluster {
		t.Retry.Limit = clusterRetries
		t.Retry.Backoff = plan.Backoff{Initial: r.scaled(10 * time.Second), Max: r.scaled(5 * time.Minute)}
	}
	set := func(o spec.Optional[int32]) {
		if o.Given {
			t.Retry.Limit, t.Retry.Origin = int(o.Value), origin(o.Pos)
		}
	}
	if u.task == nil || !cluster {
		set(u.definition.Retries)
	}
	if u.task != nil {
		set(u.task.Retries)
	}
	if flag := r.options.Retries; flag != nil {
		t.Retry.Limit, t.Retry.Origin = flag.Value, flag.Origin
	}
}

func (r *resolver) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * r.options.BackoffScale)
}

func (r *resolver) timeout(u use, t *plan.Task) {
	cluster := r.options.Semantics == plan.Cluster
	at := spec.Pos{}
	t.Timeout, t.TimeoutOrigin = defaultTimeout, byDefault
	set := func(o spec.Optional[time.Duration]) {
		if o.Given {
			t.Timeout, t.TimeoutOrigin, at = o.Value, origin(o.Pos), o.Pos
		}
	}
	if u.task == nil || !cluster {
		set(u.definition.Timeout)
	}
	if u.task != nil {
		set(u.task.Timeout)
	}
	if flag := r.options.Timeout; flag != nil {
		t.Timeout, t.TimeoutOrigin, at = flag.Value, flag.Origin, spec.Pos{}
	}
	if cluster {
		t.Timeout = t.Timeout.Truncate(time.Second) // activeDeadlineSeconds is whole seconds
	}
	if t.Timeout > 0 {
		return
	}
	if cluster {
		r.warn(at, "deadline-over", "", "task %q: a timeout below one second is a deadline that is over before the pod starts: DeadlineExceeded, and nothing runs", u.name())
		return
	}
	r.fail(at, "invalid-timeout", "for example 30s", "task %q: a timeout of 0 leaves no time to run", u.name())
}

func (r *resolver) grace() time.Duration {
	switch {
	case r.options.Grace > 0:
		return r.options.Grace
	case r.options.Semantics == plan.Cluster:
		return clusterGrace
	}
	return localGrace
}

// replaceImage applies --image FROM=TO.
func (r *resolver) replaceImage(c *plan.Container) {
	for _, o := range r.options.Images {
		if o.Key == c.Image {
			c.Image, c.ImageOrigin = o.Value, o.Origin
			return
		}
	}
}

// defaultPullPolicy is Kubernetes': Always for the tag latest, given or implied, else IfNotPresent.
func defaultPullPolicy(image string) plan.PullPolicy {
	if strings.Contains(image, "@") {
		return plan.PullIfNotPresent
	}
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":") // a port has a slash behind it
	if !tagged || tag == "latest" {
		return plan.PullAlways
	}
	return plan.PullIfNotPresent
}
