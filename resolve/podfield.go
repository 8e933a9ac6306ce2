package resolve

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

var subscript = regexp.MustCompile(`^metadata\.(labels|annotations)\['(.*)'\]$`)

// podField returns the value of a fieldRef as in a pod of this task. The node is the engine's host. Values that a pod gets only when
// it runs do not exist here.
// See https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields.
func (b *containerBuilder) podField(path string, at spec.Pos) (string, bool) {
	meta := b.meta()
	if m := subscript.FindStringSubmatch(path); m != nil {
		return b.podKey(path, m[1], m[2], at)
	}
	switch path {
	case "metadata.name":
		return b.name(), true
	case "metadata.namespace":
		return meta.Namespace, true
	case "spec.serviceAccountName":
		if sa := b.definition.ServiceAccount; sa.Value != "" {
			return sa.Value, true
		}
		return "default", true
	case "spec.nodeName":
		return b.options.Node.Name, true
	case "status.hostIP", "status.hostIPs":
		return b.options.Node.IP, true
	case "status.podIP", "status.podIPs", "metadata.uid":
		b.onlyInPod(path, at)
		return "", false
	}
	b.fail(at, "unknown-field-path", nearField(path), "field %q cannot be used in an environment variable", path)
	return "", false
}

// ofRunningPod reports whether a pod has a field of its own when it runs, which the manifests do not determine.
func ofRunningPod(path string) bool {
	switch path {
	case "metadata.name", "metadata.uid", "metadata.namespace", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs":
		return true
	}
	m := subscript.FindStringSubmatch(path)
	return m != nil && m[1] == "labels" && slices.Contains(labelsOfJobs, m[2])
}

// labelsOfJobs are the labels that every pod of a Job has.
var labelsOfJobs = []string{"job-name", "batch.kubernetes.io/job-name", "controller-uid", "batch.kubernetes.io/controller-uid"}

// podKey returns a label or annotation of the pod, or "" if it does not exist, as in a pod.
func (b *containerBuilder) podKey(path, of, name string, at spec.Pos) (string, bool) {
	pairs, problems := b.meta().Labels, validation.IsQualifiedName(name)
	if of == "annotations" {
		pairs, problems = b.meta().Annotations, validation.IsQualifiedName(strings.ToLower(name))
	}
	if problems != nil {
		b.fail(at, "unknown-field-path", problems[0], "fieldPath %s: %q is not a valid key of %s", path, name, of)
		return "", false
	}
	for _, p := range pairs {
		if p.Key == name {
			return p.Value, true
		}
	}
	if of == "annotations" {
		return "", true
	}
	switch name { // every pod of a Job has them
	case "job-name", "batch.kubernetes.io/job-name":
		return b.name(), true
	case "controller-uid", "batch.kubernetes.io/controller-uid":
		b.onlyInPod(path, at)
		return "", false
	}
	return "", true
}

func (b *containerBuilder) onlyInPod(path string, at spec.Pos) {
	b.noValue(at, "set the variable with --env NAME=VALUE", "fieldPath %s has a value only in a pod that runs in a cluster", path)
}

// noValue reports a field without a value here. A lenient run omits the variable.
func (b *containerBuilder) noValue(at spec.Pos, remedy, format string, args ...any) {
	severity := spec.Error
	if b.options.Lenient {
		severity, format = spec.Warning, format+"; the variable is left out"
	}
	b.add(severity, at, "no-local-value", remedy, format, args...)
}

// nearField returns the remedy for an invalid field. It suggests a field without a value here only for its
// name in another case.
func nearField(path string) string {
	for _, of := range []string{"labels", "annotations"} {
		if strings.HasPrefix(path, "metadata."+strings.TrimSuffix(of, "s")) {
			return fmt.Sprintf("write metadata.%s['KEY']", of)
		}
	}
	fields := []string{"metadata.name", "metadata.namespace", "spec.nodeName", "spec.serviceAccountName", "status.hostIP"}
	near := spec.Nearest(path, append(slices.Clone(fields), "metadata.uid", "status.podIP"))
	if slices.Contains(fields, near) || strings.EqualFold(path, near) {
		return spec.DidYouMean(path, []string{near})
	}
	return "fields are " + strings.Join(fields, ", ") + ", metadata.labels['KEY'] and metadata.annotations['KEY']"
}

// divisors returns the valid divisors, see validateContainerResourceDivisor in k8s.io/kubernetes pkg/apis/core/validation.
func divisors(resource string) []string {
	if resource == "cpu" {
		return []string{"1m", "1"}
	}
	return []string{"1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"}
}

// resourceField returns a limit or request in units of the divisor, rounded up (ExtractContainerResourceValue in Kubernetes'
// pkg/api/v1/resource).
func (b *containerBuilder) resourceField(ref *corev1.ResourceFieldSelector, at spec.Pos) (plan.Text, plan.Origin, bool) {
	if ref.ContainerName != "" && ref.ContainerName != b.from.Name {
		b.fail(at, "unknown-container", "leave containerName out", "there is no container %q: the pod has only %q", ref.ContainerName, b.from.Name)
		return plan.Text{}, plan.Origin{}, false
	}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	if kind != "limits" && kind != "requests" || name != "cpu" && name != "memory" && name != "ephemeral-storage" {
		b.fail(at, "unknown-resource", "for example limits.memory or requests.cpu", "there is no resource field %q", ref.Resource)
		return plan.Text{}, plan.Origin{}, false
	}
	limit, limited := b.from.Resources.Limits[corev1.ResourceName(name)]
	value := limit
	if kind == "requests" {
		// The default of a request is the limit, or zero.
		if request, requested := b.from.Resources.Requests[corev1.ResourceName(name)]; requested {
			value = request
		}
	} else if !limited && !b.options.OnCluster {
		b.noValue(at, fmt.Sprintf("set resources.limits.%s", name), "without a limit, %s is the capacity of the node in a cluster", ref.Resource)
		return plan.Text{}, plan.Origin{}, false
	}
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	if !slices.Contains(divisors(name), divisor.String()) {
		b.fail(at, "invalid-value", "it is one of "+strings.Join(divisors(name), ", "), "divisor %s is not valid for %s", divisor.String(), name)
		return plan.Text{}, plan.Origin{}, false
	}
	if kind == "limits" && !limited {
		return plan.FromPod(plan.Field{Resource: ref.Resource, Divisor: divisor.String()}), origin(at), true
	}
	units := float64(value.Value()) / float64(divisor.Value())
	if name == "cpu" {
		units = float64(value.MilliValue()) / float64(divisor.MilliValue())
	}
	return plan.Plain(strconv.FormatInt(int64(math.Ceil(units)), 10)), origin(at), true
}
