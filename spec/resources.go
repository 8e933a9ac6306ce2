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
	for name := range quantities(p.in("limits"), r.Limits) {
		if name != corev1.ResourceMemory && name != corev1.ResourceCPU {
			at := p.At("limits", string(name))
			p.unsupported(at, DidYouMean(string(name), []string{"memory", "cpu"}), "%s is not supported: an engine limits memory and cpu", at.Field)
		}
	}
	for name, request := range quantities(p.in("requests"), r.Requests) {
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
