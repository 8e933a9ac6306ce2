package spec

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/spec/internal/api"
)

func (c containerCheck) resources() {
	c.quantities(c.raw.Resources.Limits, "limits")
	c.quantities(c.raw.Resources.Requests, "requests")
}

// withinLimit checks a request against the limit of the same resource.
func (c containerCheck) withinLimit(name corev1.ResourceName, request resource.Quantity, at Pos) {
	limit, limited := c.raw.Resources.Limits[name]
	switch {
	case extended(string(name)) && (!limited || request.Cmp(limit) != 0):
		c.fail(at, "required", "", "%s needs an equal limit: only cpu, memory and ephemeral-storage can be overcommitted", at.Field)
	case limited && request.Cmp(limit) > 0:
		c.fail(at, "out-of-range", "", "resources.requests.%s is %s, more than the limit of %s", name, request.String(), limit.String())
	}
}

func (c containerCheck) quantities(list corev1.ResourceList, field string) {
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if c.full(Error) {
			return
		}
		quantity := list[name]
		at := c.s.At("resources", field, string(name))
		if !c.resourceName(string(name), c.s.sub("resources", field)) {
			continue
		}
		if quantity.Sign() < 0 {
			c.fail(at, "out-of-range", "", "%s must be 0 or more, not %s", at.Field, quantity.String())
		}
		if field == "requests" {
			c.withinLimit(name, quantity, at)
			continue
		}
		if name == corev1.ResourceMemory || name == corev1.ResourceCPU {
			continue
		}
		c.unsupported(at, DidYouMean(string(name), []string{"memory", "cpu"}), "%s is not supported: an engine limits memory and cpu", at.Field)
	}
}

// extended reports whether a resource cannot be overcommitted: its request and its limit must be equal.
func extended(name string) bool {
	return strings.HasPrefix(name, corev1.ResourceHugePagesPrefix) || strings.Contains(name, "/") && !strings.Contains(name, corev1.ResourceDefaultNamespacePrefix)
}

// resourceName checks a name like validateContainerResourceName in k8s.io/kubernetes pkg/apis/core/validation.
func (c containerCheck) resourceName(name string, s cursor) bool {
	at := s.keyAt(name)
	switch {
	case strings.HasPrefix(name, "requests.") && strings.Contains(name, "/"):
		c.fail(at, "invalid-name", "", "%q is not a resource of a container", name)
	case strings.Contains(name, "/"), strings.HasPrefix(name, corev1.ResourceHugePagesPrefix):
		return !c.refused(validation.IsQualifiedName(name), at, "invalid-name", "%q is not a valid resource name", name)
	case slices.Contains(api.Resources(), name):
		return true
	default:
		remedy := DidYouMean(name, api.Resources())
		if remedy == "" || strings.HasSuffix(strings.ToLower(name), "gpu") { // one letter differs from cpu
			remedy = "a resource is one of " + strings.Join(api.Resources(), ", ") + ", or has a domain, as in example.com/gpu"
		}
		c.fail(at, "invalid-name", remedy, "%q is not a resource of a container", name)
	}
	return false
}
