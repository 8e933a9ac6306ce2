package resolve

import (
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// The defaults of Keptn's schema, and those of ktask if the default of Kubernetes makes no sense on a laptop.
const (
	defaultTimeout = 5 * time.Minute
	clusterRetries = 10
	defaultTTL     = 300 * time.Second
	localGrace     = 5 * time.Second // docker stop gives ktask itself 10s
	clusterGrace   = 30 * time.Second
	// DefaultPids protects the machine from a fork bomb. Manifests have no such field, and the default of a kubelet is no limit
	// (podPidsLimit). The value is between the default of podman (2048) and that of systemd (15 % of the kernel's 32768).
	DefaultPids = 4096
)

// task returns the plan of one task, or false if there is an error.
func (r *resolver) task(u use) (t plan.Task, ok bool) {
	if r.exhausted() {
		return t, false
	}
	meta, before := u.meta(), r.errors
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
	r.hostNetwork()
	r.grace(&t.Container)
	r.pids(&t.Container)
	t.Container.Mounts = r.options.Mounts
	t.Container.Network = r.options.Network
	t.Container.Platform = r.options.Platform
	r.replaceImage(&t.Container)
	if t.Container.PullPolicy == "" {
		t.Container.PullPolicy = defaultPullPolicy(t.Container.Image) // depends on the image that runs
	}
	r.pull(&t.Container)
	r.words(u, t.Container)
	r.surprises(u, &t)
	for _, f := range []struct{ name, value string }{{"network", r.options.Network}, {"platform", r.options.Platform}} {
		if f.value != "" {
			t.Container.Origins = append(t.Container.Origins, plan.Part{Name: f.name, Origin: plan.Flag(f.name)})
		}
	}
	return t, r.errors == before
}

// atLine returns the origin of a whole object, without a field.
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

// retries returns the retries of the KeptnTask, or else those of its definition. With Cluster semantics, a KeptnTask that is written
// by hand gets Keptn's default instead of the value of its definition. The same applies to timeoutOf.
func (r *resolver) retries(u use) spec.Optional[int32] {
	if u.task != nil && (u.task.Retries.Given || r.cluster()) {
		return u.task.Retries
	}
	return u.definition.Retries
}

func (r *resolver) timeoutOf(u use) spec.Optional[time.Duration] {
	if u.task != nil && (u.task.Timeout.Given || r.cluster()) {
		return u.task.Timeout
	}
	return u.definition.Timeout
}

// retry returns the retry rule. The flag has precedence over the manifests.
func (r *resolver) retry(u use, t *plan.Task) {
	t.Retry = plan.Retry{Origin: plan.Default, Backoff: plan.Backoff{Initial: r.scaled(time.Second), Max: r.scaled(30 * time.Second)}}
	if r.cluster() {
		t.Retry.Limit = clusterRetries
		t.Retry.Backoff = plan.Backoff{Initial: r.scaled(10 * time.Second), Max: r.scaled(5 * time.Minute)}
	}
	said := r.retries(u)
	switch flag := r.options.Retries; {
	case flag != nil:
		t.Retry.Limit, t.Retry.Origin = flag.Value, flag.Origin
	case said.Given:
		t.Retry.Limit, t.Retry.Origin = int(said.Value), origin(said.Pos)
	case u.definition.Retries.Given:
		r.ignoredByTask(u, "retries", u.definition.Retries.Pos, clusterRetries)
	}
}

func (r *resolver) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * r.options.BackoffScale)
}

// timeout sets the timeout of all attempts. See "Timeouts below a second" in docs/fidelity.md.
func (r *resolver) timeout(u use, t *plan.Task) {
	said := r.timeoutOf(u)
	at := said.Pos
	t.Timeout, t.TimeoutOrigin = defaultTimeout, plan.Default
	switch flag := r.options.Timeout; {
	case flag != nil:
		t.Timeout, t.TimeoutOrigin, at = flag.Value, flag.Origin, spec.Pos{}
	case said.Given:
		t.Timeout, t.TimeoutOrigin = said.Value, origin(said.Pos)
	case u.definition.Timeout.Given:
		r.ignoredByTask(u, "a timeout", u.definition.Timeout.Pos, defaultTimeout)
	}
	switch given := t.Timeout; {
	case r.cluster():
		t.Timeout = given.Truncate(time.Second) // activeDeadlineSeconds is whole seconds
		r.wholeSeconds(u, at, given)
	case given <= 0:
		r.fail(at, "invalid-timeout", "for example 30s", "task %q: a timeout of 0 leaves no time to run", u.name())
	}
}

// grace sets the time from the stop signal to the kill. See "Grace after the stop signal" in docs/fidelity.md.
func (r *resolver) grace(c *plan.Container) {
	c.Grace = localGrace
	if r.cluster() {
		c.Grace = clusterGrace
	}
	if o := r.options.Grace; o != nil {
		c.Grace = o.Value
		c.Origins = append(c.Origins, plan.Part{Name: "grace", Origin: o.Origin})
	}
}

// pids sets the limit of processes and threads of the container.
func (r *resolver) pids(c *plan.Container) {
	c.Limits.Pids = DefaultPids
	if o := r.options.Pids; o != nil {
		c.Limits.Pids = o.Value
		c.Origins = append(c.Origins, plan.Part{Name: "limits.pids", Origin: o.Origin})
	}
}

// replaceImage applies --image FROM=TO.
func (r *resolver) replaceImage(c *plan.Container) {
	r.images[c.Image] = true
	for _, o := range r.options.Images {
		if sameImage(o.Key, c.Image) {
			r.taken["image "+o.Key] = true
			c.Image, c.ImageOrigin = o.Value, o.Origin
			return
		}
	}
}

// sameImage reports whether two names mean the same image: alpine:3.20 is docker.io/library/alpine:3.20.
func sameImage(a, b string) bool {
	if a == b {
		return true
	}
	one, err := reference.ParseNormalizedNamed(a)
	if err != nil {
		return false
	}
	other, err := reference.ParseNormalizedNamed(b)
	return err == nil && reference.TagNameOnly(one).String() == reference.TagNameOnly(other).String()
}

// replaced returns an image after --image.
func (r *resolver) replaced(image string) string {
	c := plan.Container{Image: image}
	r.replaceImage(&c)
	return c.Image
}

// pull replaces the pull policy by that of the options.
func (r *resolver) pull(c *plan.Container) {
	given := r.options.Pull
	if given == nil {
		return
	}
	c.PullPolicy = given.Value
	c.Origins = slices.DeleteFunc(c.Origins, func(p plan.Part) bool { return p.Name == "pullPolicy" })
	c.Origins = append(c.Origins, plan.Part{Name: "pullPolicy", Origin: given.Origin})
}

// defaultPullPolicy returns the default of Kubernetes (pkg/apis/core/v1/defaults.go): Always for the tag latest, which is also the
// default tag of an image without a digest, and otherwise IfNotPresent.
func defaultPullPolicy(image string) plan.PullPolicy {
	image, _, digested := strings.Cut(image, "@")
	_, tag, tagged := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":") // a colon before a slash precedes a port
	if tag == "latest" || !tagged && !digested {
		return plan.PullAlways
	}
	return plan.PullIfNotPresent
}
