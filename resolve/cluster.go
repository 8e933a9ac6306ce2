package resolve

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// clusterWarnings warns of unexpected behaviour of a cluster, each with a rule of its own, if a task runs with Cluster semantics.
type clusterWarnings struct {
	on       bool
	problems *collector
	use      use
	index    index
}

func (w clusterWarnings) warn(at spec.Pos, rule, remedy, format string, args ...any) {
	if w.on {
		w.problems.warn(at, rule, remedy, format, args...)
	}
}

// fields warns of behaviour that follows from the fields of a task.
func (w clusterWarnings) fields(t plan.Task) {
	w.restarts(t)
	switch runner := w.use.definition.Runner.(type) {
	case *spec.Function:
		if runner.Field == "function" {
			w.warn(runner.Pos, "cluster-function", `write "deno" in apiVersion lifecycle.keptn.sh/v1`,
				"a current operator reads %q as v1, which has no spec.function, and refuses a definition without a runner", w.use.definition.Name)
		}
	case *spec.Container:
		if len(runner.VolumeMounts) > 0 && t.Container.Limits.MemoryBytes == 0 {
			w.warn(runner.At("volumeMounts", 0), "cluster-volume-size", "set resources.limits.memory, which is then the volume's size too",
				"without a memory limit Keptn asks for a volume of one byte, which has one page of memory: writing more is an I/O error there; here it has %s", plan.Bytes(defaultVolumeBytes))
		}
	}
}

// restarts warns of retries that do not happen: the Job controller counts restarts instead of failures, and the waits of the
// kubelet may leave no time for them.
func (w clusterWarnings) restarts(t plan.Task) {
	at := w.use.retries(true).Pos
	if at.Line == 0 {
		at = atLine(w.use.meta().Pos)
	}
	limit := t.Retry.Limit
	starts := max(limit, 1) + 1
	if within := startsWithin(t, starts); within < starts {
		if t.Timeout > 0 { // otherwise nothing starts, which is reported elsewhere
			w.warn(at, "cluster-attempts", w.inVersion(fmt.Sprintf("raise the timeout, or set retries: %d", max(within-1, 0))),
				"task %q: retries: %d allows %d starts, but only %d begin before the deadline of %s, because the kubelet waits 0s, %s and so on to %s between them; if all fail the reason is DeadlineExceeded",
				w.use.name(), limit, starts, within, t.Timeout, t.Retry.Backoff.Initial, t.Retry.Backoff.Max)
		}
		return
	}
	switch limit {
	case 0:
		w.warn(at, "cluster-restarts", "", "task %q: with retries: 0 a failed container still starts a second time, and is killed when the Job controller notices", w.use.name())
	case 1:
		w.warn(at, "cluster-restarts", "", "task %q: retries: 1 has the effect of retries: 0: the second start is killed when the Job controller notices", w.use.name())
	default:
		w.warn(at, "cluster-restarts", "", "task %q: retries: %d allows %d starts, but the last one is killed when the Job controller notices", w.use.name(), limit, starts)
	}
}

// inVersion returns a remedy that sets retries or a timeout, with the version that has them if that of the task lacks them.
func (w clusterWarnings) inVersion(remedy string) string {
	if version := w.use.meta().Version; version == "v1alpha1" || version == "v1alpha2" {
		return "use apiVersion lifecycle.keptn.sh/v1, and " + remedy
	}
	return remedy
}

// startsWithin returns how many of the starts begin before the deadline if each fails at once. The first restart is not delayed;
// the waits before the others double from Initial to Max.
func startsWithin(t plan.Task, starts int) int {
	b := t.Retry.Backoff
	n, elapsed, wait := min(starts, 2), time.Duration(0), min(b.Initial, b.Max)
	for n < starts && wait < b.Max && elapsed+wait < t.Timeout {
		n, elapsed, wait = n+1, elapsed+wait, min(2*wait, b.Max)
		if wait == 0 {
			return starts
		}
	}
	switch {
	case t.Timeout <= 0:
		return 0
	case wait < b.Max:
		return n
	case b.Max <= 0:
		return starts
	}
	return n + min(starts-n, int((t.Timeout-elapsed-1)/b.Max))
}

// ignoredByTask warns of retries or a timeout of a definition that a hand-written KeptnTask does not inherit.
func (w clusterWarnings) ignoredByTask(field string, of spec.Pos, instead any) {
	w.warn(of, "cluster-task-defaults", w.inVersion(fmt.Sprintf("give KeptnTask %q %s of its own", w.use.name(), field)),
		"a cluster uses this only for tasks that it generates: KeptnTask %q, written by hand, has the default of %v", w.use.name(), instead)
}

// wholeSeconds warns of a timeout that is not a number of whole seconds, to which a cluster rounds it down.
func (w clusterWarnings) wholeSeconds(at spec.Pos, given time.Duration) {
	switch counted := given.Truncate(time.Second); {
	case counted <= 0:
		w.warn(at, "cluster-deadline-over", "for example 30s",
			"task %q: a timeout below one second expires before the pod of a cluster starts: nothing runs, and the reason is DeadlineExceeded", w.use.name())
	case counted != given:
		w.warn(at, "cluster-whole-seconds", "", "task %q: a cluster rounds the deadline down to whole seconds: %s becomes %s", w.use.name(), given, counted)
	}
}

// cutChain warns of a chain of more than one reference: a cluster follows only the first. This concerns local runs, too.
func (w clusterWarnings) cutChain(chain []link) {
	if len(chain) <= 2 {
		return
	}
	middle, last := chain[1], chain[len(chain)-1]
	outcome := "has no code to run, so the task fails"
	switch {
	case len(middle.function.Sources) > 1:
		outcome = "runs its own code"
	case middle.function.Runtime == string(plan.RuntimePython):
		outcome = "has no code to run, yet the task passes"
	}
	w.problems.warn(middle.function.Sources[0].At(), "cluster-reference-chain", fmt.Sprintf("let %q call %q itself", chain[0].definition.Name, last.definition.Name),
		"a cluster follows one functionRef: it stops at %q, which %s; ktask goes on to %q", middle.definition.Name, outcome, last.definition.Name)
}

// publishedPython is the repository of Keptn's python image.
const publishedPython = "ghcr.io/keptn/python-runtime"

// deadHost warns of a script by URL with Keptn's python image: a task passes if its script cannot be fetched.
func (w clusterWarnings) deadHost(at spec.Pos, image string) {
	repository, _, _ := strings.Cut(image, "@")
	repository, _, _ = strings.Cut(repository, ":")
	if repository == publishedPython {
		w.warn(at, "cluster-dead-host", "put the code into a ConfigMap",
			"%s passes a task whose script it cannot download: it runs an empty one", publishedPython)
	}
}

// codeElsewhere warns of code in a ConfigMap of another namespace, which a pod of the task cannot mount. Keptn also stores inline
// code in a ConfigMap, in the namespace of the definition.
func (w clusterWarnings) codeElsewhere(at spec.Pos, configMap, namespace string) {
	own := w.use.meta().Namespace
	if namespace == own {
		return
	}
	outcome := "which has none, so the pod waits until its deadline"
	if _, other := find(w.index.configMaps, configMap, own); other {
		outcome = "which has another one of that name"
	}
	w.warn(at, "cluster-code-namespace", "define it in namespace "+own,
		"the code is in ConfigMap %q of namespace %s, but a pod mounts that of its own namespace %s, %s", configMap, namespace, own, outcome)
}

// codeSize warns of code that is too large for a ConfigMap (MaxSecretSize of k8s.io/api/core/v1, which applies to both).
func (w clusterWarnings) codeSize(at spec.Pos, configMap string, size int) {
	if size > corev1.MaxSecretSize {
		w.warn(at, "cluster-code-size", "load it by httpRef", "the code has %d bytes, but a cluster stores it in ConfigMap %q, which can have at most %d", size, configMap, corev1.MaxSecretSize)
	}
}

// inlineConfigMap returns the name of the ConfigMap in which Keptn stores inline code (controllers/common/taskdefinition/handler.go).
func inlineConfigMap(definition string) string {
	return "keptnfn-" + definition[:min(len(definition), 245)]
}

// elsewhere warns of a Secret or ConfigMap that a pod of the task cannot read.
func (w clusterWarnings) elsewhere(at spec.Pos, kind, name, namespace string) {
	if own := w.use.meta().Namespace; namespace != own {
		w.warn(at, "cluster-namespace", "create one in namespace "+own,
			"%s %q is in namespace %s, but a pod reads those of its own namespace %s and waits for it until its deadline", kind, name, namespace, own)
	}
}

// serviceVariable matches the names of variables in which the kubelet passes addresses of Services (pkg/kubelet/envvars). Those of
// KUBERNETES are in every pod.
var serviceVariable = sync.OnceValue(func() *regexp.Regexp { // most runs need none
	return regexp.MustCompile(`^(?:[A-Z0-9_]+_SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|KUBERNETES_PORT|[A-Z0-9_]+_PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$`)
})

// serviceName warns of a $(NAME) that is unknown here and an address in a cluster.
func (w clusterWarnings) serviceName(name string) {
	if serviceVariable().MatchString(name) {
		w.warn(w.use.meta().Pos, "cluster-service-variable", "declare it in env", "task %q: $(%s) is not expanded here, but the kubelet may replace it with the address of a Service", w.use.name(), name)
	}
}
