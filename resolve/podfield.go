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

	"github.com/ktask/ktask/spec"
)

var subscript = regexp.MustCompile(`^metadata\.(labels|annotations)\['([^']*)'\]$`)

// podField gives the value of a fieldRef as a pod of this task would have it. What only a node has is the
// engine's host; what a pod learns only once it runs has no value here.
// See https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields.
func (r *resolver) podField(u use, path string, at spec.Pos) (string, bool) {
	meta := u.meta()
	if m := subscript.FindStringSubmatch(path); m != nil {
		pairs := meta.Labels
		if m[1] == "annotations" {
			pairs = meta.Annotations
		}
		for _, p := range pairs {
			if p.Key == m[2] {
				return p.Value, true
			}
		}
		return "", true // a key that is not there is the empty string, as in a pod
	}
	switch path {
	case "metadata.name":
		return u.name(), true
	case "metadata.namespace":
		return meta.Namespace, true
	case "spec.serviceAccountName":
		if sa := u.definition.ServiceAccount; sa.Value != "" {
			return sa.Value, true
		}
		return "default", true
	case "spec.nodeName":
		return r.options.Node.Name, true
	case "status.hostIP", "status.hostIPs":
		return r.options.Node.IP, true
	case "status.podIP", "status.podIPs", "metadata.uid":
		r.fail(at, "no-local-value", "--env NAME=VALUE gives the variable one", "fieldPath %s has a value only once a pod runs in a cluster", path)
		return "", false
	}
	fields := []string{"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.podIP"}
	remedy := spec.DidYouMean(path, fields)
	if remedy == "" {
		remedy = "fields are " + strings.Join(fields, ", ") + ", metadata.labels['KEY'] and metadata.annotations['KEY']"
	}
	r.fail(at, "unknown-field-path", remedy, "an environment variable cannot take field %q", path)
	return "", false
}

// divisors are those of k8s.io/kubernetes pkg/apis/core/validation, validateContainerResourceDivisor.
func divisors(resource string) []string {
	if resource == "cpu" {
		return []string{"1m", "1"}
	}
	return []string{"1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"}
}

// resourceField gives a limit or request in units of the divisor, rounded up: Kubernetes'
// pkg/api/v1/resource.ExtractContainerResourceValue.
func (r *resolver) resourceField(c *spec.Container, ref *corev1.ResourceFieldSelector, at spec.Pos) (string, bool) {
	if ref.ContainerName != "" && ref.ContainerName != c.Name {
		r.fail(at, "unknown-container", "leave containerName out", "the pod has one container, %q, and not %q", c.Name, ref.ContainerName)
		return "", false
	}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	if kind != "limits" && kind != "requests" || name != "cpu" && name != "memory" && name != "ephemeral-storage" {
		r.fail(at, "unknown-resource", "for example limits.memory or requests.cpu", "there is no resource field %q", ref.Resource)
		return "", false
	}
	limit, limited := c.Resources.Limits[corev1.ResourceName(name)]
	value := limit
	if kind == "requests" {
		// A request that is not given is the limit, or zero.
		if request, requested := c.Resources.Requests[corev1.ResourceName(name)]; requested {
			value = request
		}
	} else if !limited {
		r.fail(at, "no-local-value", fmt.Sprintf("set resources.limits.%s", name), "without a limit, %s is what the node of a cluster has to give", ref.Resource)
		return "", false
	}
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	if !slices.Contains(divisors(name), divisor.String()) {
		r.fail(at, "invalid-value", "it is one of "+strings.Join(divisors(name), ", "), "divisor %s is none of those that Kubernetes takes for %s", divisor.String(), name)
		return "", false
	}
	if name == "cpu" {
		return strconv.FormatInt(int64(math.Ceil(float64(value.MilliValue())/float64(divisor.MilliValue()))), 10), true
	}
	return strconv.FormatInt(int64(math.Ceil(float64(value.Value())/float64(divisor.Value()))), 10), true
}
