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

// builder builds the plan of one task.
type builder struct {
	*resolver
	use
	// namespaces are those that the task may refer to, in the order in which Keptn searches them.
	namespaces []string
	// inCluster warns of what a cluster does differently.
	inCluster clusterWarnings
	out       plan.Task
}

// buildTask returns the plan of one task, or false if there is an error other than a missing secret that a plan can show.
func buildTask(r *resolver, u use) (plan.Task, bool) {
	if r.exhausted() {
		return plan.Task{}, false
	}
	r.used[u.definition] = true
	meta, before := u.meta(), r.errors-r.missingSecrets
	b := &builder{
		resolver: r, use: u, namespaces: r.index.namespaces(meta.Namespace),
		inCluster: clusterWarnings{on: r.options.cluster(), problems: r.collector, use: u, index: r.index},
		out: plan.Task{
			Name: u.name(), Definition: u.definition.Name, Namespace: meta.Namespace, Origin: origin(atLine(meta.Pos)),
			Labels: labels(meta.Labels), Annotations: labels(meta.Annotations), Semantics: r.options.Semantics,
			TTL: defaultTTL,
		},
	}
	if ttl := u.definition.TTLSecondsAfterFinished; ttl.Given {
		b.out.TTL = time.Duration(ttl.Value) * time.Second
	}
	b.retry()
	b.deadline()
	switch runner := u.definition.Runner.(type) {
	case *spec.Function:
		buildFunction(b, runner)
	case *spec.Container:
		buildContainer(b, runner)
	}
	b.hostname()
	checkNetwork(r)
	c := &b.out.Container
	c.ServiceAccount, c.ImagePullSecrets = u.definition.ServiceAccount.Value, pullSecretNames(u.definition)
	if token := u.definition.AutomountToken; token.Given {
		c.AutomountToken = &token.Value
	}
	if from := b.replacement(c.Image); from != nil {
		c.Image, c.ImageOrigin = from.Value, from.Origin
	}
	r.options.applyTo(c)
	b.pullCredentials()
	b.checkNames()
	b.warnAddresses()
	b.inCluster.fields(b.out)
	return b.out, r.errors-r.missingSecrets == before
}

// hostname adds the variable that the container runtime of a pod sets after those of the manifest: $(HOSTNAME) is not expanded. The
// name is that of the pod, as in metadata.name, shortened as by the kubelet (truncatePodHostnameIfNeeded).
func (b *builder) hostname() {
	const name, most = "HOSTNAME", 63
	c := &b.out.Container
	if !slices.ContainsFunc(c.Env, func(e plan.EnvVar) bool { return e.Name == name }) {
		host := strings.TrimRight(b.name()[:min(len(b.name()), most)], "-.")
		c.Env = append(c.Env, plan.EnvVar{Name: name, Value: plan.Plain(host), Origin: plan.Default})
	}
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

// retries returns the retries of the KeptnTask, or else those of its definition. In a cluster, a KeptnTask that is written by hand
// gets Keptn's default instead of the value of its definition. The same applies to timeout.
func (u use) retries(cluster bool) spec.Optional[int32] {
	if u.task != nil && (u.task.Retries.Given || cluster) {
		return u.task.Retries
	}
	return u.definition.Retries
}

func (u use) timeout(cluster bool) spec.Optional[time.Duration] {
	if u.task != nil && (u.task.Timeout.Given || cluster) {
		return u.task.Timeout
	}
	return u.definition.Timeout
}

// retry sets the retry rule. The flag has precedence over the manifests.
func (b *builder) retry() {
	cluster := b.options.cluster()
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) * b.options.BackoffScale) }
	retry := plan.Retry{Origin: plan.Default, Backoff: plan.Backoff{Initial: scaled(time.Second), Max: scaled(30 * time.Second)}}
	if cluster {
		retry.Limit = clusterRetries
		retry.Backoff = plan.Backoff{Initial: scaled(10 * time.Second), Max: scaled(5 * time.Minute)}
	}
	given := b.retries(cluster)
	switch flag := b.options.Retries; {
	case flag != nil:
		retry.Limit, retry.Origin = flag.Value, flag.Origin
	case given.Given:
		retry.Limit, retry.Origin = int(given.Value), origin(given.Pos)
	case b.definition.Retries.Given:
		b.inCluster.ignoredByTask("retries", b.definition.Retries.Pos, clusterRetries)
	}
	b.out.Retry = retry
}

// deadline sets the timeout of all attempts. See "Timeouts below a second" in docs/fidelity.md.
func (b *builder) deadline() {
	given, t := b.timeout(b.options.cluster()), &b.out
	at := given.Pos
	t.Timeout, t.TimeoutOrigin = defaultTimeout, plan.Default
	switch flag := b.options.Timeout; {
	case flag != nil:
		t.Timeout, t.TimeoutOrigin, at = flag.Value, flag.Origin, spec.Pos{}
	case given.Given:
		t.Timeout, t.TimeoutOrigin = given.Value, origin(given.Pos)
	case b.definition.Timeout.Given:
		b.inCluster.ignoredByTask("a timeout", b.definition.Timeout.Pos, defaultTimeout)
	}
	switch {
	case b.options.cluster():
		b.inCluster.wholeSeconds(at, t.Timeout)
		t.Timeout = t.Timeout.Truncate(time.Second) // activeDeadlineSeconds is whole seconds
	case t.Timeout <= 0:
		b.fail(at, "invalid-timeout", "for example 30s", "task %q: a timeout of 0 leaves no time to run", b.name())
	}
}

// applyTo sets what the options decide of every container. See "Grace after the stop signal" in docs/fidelity.md.
func (o Options) applyTo(c *plan.Container) {
	c.Mounts, c.Network, c.Compose, c.Platform = o.Mounts, o.Network, o.Compose, o.Platform
	c.Grace, c.Limits.Pids = localGrace, DefaultPids
	if o.cluster() {
		c.Grace = clusterGrace
	}
	if c.PullPolicy == "" {
		c.PullPolicy = defaultPullPolicy(c.Image) // depends on the image that runs
	}
	override(c, "grace", &c.Grace, o.Grace)
	override(c, "limits.pids", &c.Limits.Pids, o.Pids)
	override(c, "pullPolicy", &c.PullPolicy, o.Pull)
	for _, f := range []struct{ name, value string }{{"network", o.Network}, {"compose", o.Compose}, {"platform", o.Platform}} {
		if f.value != "" {
			c.Origins = append(c.Origins, plan.Part{Name: f.name, Origin: plan.Flag(f.name)})
		}
	}
}

// override replaces a part of a container with a setting, if it is set.
func override[T any](c *plan.Container, name string, part *T, s *Setting[T]) {
	if s == nil {
		return
	}
	*part = s.Value
	c.Origins = slices.DeleteFunc(c.Origins, func(p plan.Part) bool { return p.Name == name })
	c.Origins = append(c.Origins, plan.Part{Name: name, Origin: s.Origin})
}

// replacement returns the --image FROM=TO that applies to an image, or nil.
func (r *resolver) replacement(image string) *Override {
	r.images[image] = true
	for i, o := range r.options.Images {
		if sameImage(o.Key, image) {
			r.taken["image "+o.Key] = true
			return &r.options.Images[i]
		}
	}
	return nil
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
