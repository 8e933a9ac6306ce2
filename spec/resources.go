package spec

import (
	"iter"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
)

func checkResources(p part, r corev1.ResourceRequirements) {
	for name, limit := range quantities(p.in("limits"), r.Limits) {
		checkUnit(p.in("limits", string(name)), name, limit, true)
		if name != corev1.ResourceMemory && name != corev1.ResourceCPU {
			at := p.At("limits", string(name))
			p.unsupported(at, DidYouMean(string(name), []string{"memory", "cpu"}), "%s is not supported: an engine limits memory and cpu", at.Field)
		}
	}
	for name, request := range quantities(p.in("requests"), r.Requests) {
		checkUnit(p.in("requests", string(name)), name, request, false)
		at := p.At("requests", string(name))
		limit, limited := r.Limits[name]
		switch {
		case extended(string(name)) && (!limited || request.Cmp(limit) != 0):
			p.fail(at, "required", "", "%s needs an equal limit: only cpu, memory and ephemeral-storage can be overcommitted", at.Field)
		case limited && request.Cmp(limit) > 0:
			p.fail(at, "out-of-range", "", "resources.requests.%s is %s, more than the limit of %s", name, request.String(), limit.String())
		}
	}
}

// checkUnit reports a quantity that is valid, but of which the unit is probably wrong. As a limit, too little memory is an error:
// the container would never start.
func checkUnit(p part, name corev1.ResourceName, q resource.Quantity, limit bool) {
	const leastMemory, mostCPUs = 1 << 20, 100
	at, bytes := p.At(), q.Value()
	number := strings.TrimRight(p.root.Text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	severity := Warning
	if limit && bytes < leastMemory {
		severity = Error
	}
	switch {
	case q.Sign() <= 0:
	case name == corev1.ResourceCPU && bytes >= mostCPUs && q.MilliValue()%1000 == 0:
		p.warn(at, "unlikely-quantity", "for a thousandth of that write "+number+"m", "%s is %s processors", at.Field, q.String())
	case name != corev1.ResourceMemory && name != corev1.ResourceEphemeralStorage:
	case bytes < leastMemory && q.MilliValue() != bytes*1000:
		p.report(severity, at, "unlikely-quantity", "write "+number+"Mi", "%s %q is a fraction of a byte: m means a thousandth", at.Field, p.root.Text)
	case limit && name == corev1.ResourceMemory && bytes < leastMemory:
		p.report(severity, at, "unlikely-quantity", "write "+number+"Mi", "%s is %d bytes, with which no container starts", at.Field, bytes)
	}
}

// quantities returns the quantities with valid names, sorted by name. It reports negative ones and invalid names.
func quantities(p part, list corev1.ResourceList) iter.Seq2[corev1.ResourceName, resource.Quantity] {
	return func(yield func(corev1.ResourceName, resource.Quantity) bool) {
		for _, name := range slices.Sorted(maps.Keys(list)) {
			if p.full(Error) {
				return
			}
			if !checkResourceName(p, string(name)) {
				continue
			}
			quantity, at := list[name], p.At(string(name))
			if quantity.Sign() < 0 {
				p.fail(at, "out-of-range", "", "%s must be 0 or more, not %s", at.Field, quantity.String())
			}
			if !yield(name, quantity) {
				return
			}
		}
	}
}

// extended reports whether a resource cannot be overcommitted: its request and its limit must be equal.
func extended(name string) bool {
	return strings.HasPrefix(name, corev1.ResourceHugePagesPrefix) || strings.Contains(name, "/") && !strings.Contains(name, corev1.ResourceDefaultNamespacePrefix)
}

// checkResourceName checks a name like validateContainerResourceName in k8s.io/kubernetes pkg/apis/core/validation.
func checkResourceName(p part, name string) bool {
	at := p.keyAt(name)
	switch {
	case strings.HasPrefix(name, "requests.") && strings.Contains(name, "/"):
		p.fail(at, "invalid-name", "", "%q is not a resource of a container", name)
	case strings.Contains(name, "/"), strings.HasPrefix(name, corev1.ResourceHugePagesPrefix):
		return !p.refused(validation.IsQualifiedName(name), at, "invalid-name", "%q is not a valid resource name", name)
	case slices.Contains(api.Resources(), name):
		return true
	default:
		remedy := DidYouMean(name, api.Resources())
		if remedy == "" || strings.HasSuffix(strings.ToLower(name), "gpu") { // one letter differs from cpu
			remedy = "a resource is one of " + strings.Join(api.Resources(), ", ") + ", or has a domain, as in example.com/gpu"
		}
		p.fail(at, "invalid-name", remedy, "%q is not a resource of a container", name)
	}
	return false
}
