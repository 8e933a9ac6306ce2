package spec

import (
	"strings"

	"github.com/ktask/ktask/spec/yamltree"
)

// Support is how far ktask supports a field of a container.
type Support string

// The levels of support.
const (
	// Supported fields mean the same as in a cluster.
	Supported Support = "supported"
	// Approximated fields are accepted. Reason says what is different, or why they have no effect.
	Approximated Support = "approximated"
	// Rejected fields are errors, because the task would do something else without them. If Options.Lenient is set, they are ignored.
	Rejected Support = "rejected"
)

// ContainerField is the support for a field of a Kubernetes container and all fields below it. Path is written as in kubectl,
// with [] for the items of a list.
type ContainerField struct {
	Path    string
	Support Support
	Reason  string
}

// ContainerFields returns the support for every field of k8s.io/api/core/v1.Container.
func ContainerFields() []ContainerField {
	return []ContainerField{
		{"name", Supported, ""},
		{"image", Supported, ""},
		{"imagePullPolicy", Supported, "unset: Always for the tag latest, else IfNotPresent"},
		{"command", Supported, "replaces the image's entrypoint, and without args drops its command; $(NAME) is expanded"},
		{"args", Supported, "replaces the image's command; $(NAME) is expanded"},
		{"workingDir", Supported, ""},
		{"env[].name", Supported, ""},
		{"env[].value", Supported, "$(NAME) is expanded"},
		{"env[].valueFrom.secretKeyRef", Supported, "from the Secrets among the manifests, or --secret"},
		{"env[].valueFrom.configMapKeyRef", Supported, "from the ConfigMaps among the manifests"},
		{"env[].valueFrom.fieldRef", Supported, "spec.nodeName and status.hostIP are the engine's host; status.podIP and metadata.uid have no value here"},
		{"env[].valueFrom.resourceFieldRef", Supported, "without a limit there is no value here: in a cluster it is the node's"},
		{"envFrom", Supported, "Secrets and ConfigMaps, with prefix and optional"},
		{"resources.limits", Supported, "memory and cpu; other resources are rejected"},
		{"resources.requests", Approximated, "there is no scheduler: only checked against the limits"},
		{"resources.claims", Rejected, "devices are allocated by a cluster"},
		{"resizePolicy", Approximated, "nothing is resized"},
		{"restartPolicy", Rejected, "Kubernetes allows it for init containers only"},
		{"volumeMounts[].name", Supported, "the first mount names the one volume that Keptn makes; another name is an error"},
		{"volumeMounts[].mountPath", Supported, ""},
		{"volumeMounts[].readOnly", Supported, ""},
		{"volumeMounts[].subPath", Supported, "within the volume; mounts with different ones need Docker 26 or later"},
		{"volumeMounts[].subPathExpr", Supported, "within the volume; mounts with different ones need Docker 26 or later"},
		{"volumeMounts[].mountPropagation", Approximated, "nothing is mounted below the volume"},
		{"volumeMounts[].recursiveReadOnly", Approximated, "nothing is mounted below the volume"},
		{"volumeDevices", Rejected, "block devices come from a cluster's storage"},
		{"ports", Approximated, "ports are not published; --network joins a task to a network"},
		{"livenessProbe", Approximated, "tasks are not probed"},
		{"readinessProbe", Approximated, "tasks are not probed"},
		{"startupProbe", Approximated, "tasks are not probed"},
		{"lifecycle", Approximated, "hooks are not called"},
		{"terminationMessagePath", Supported, "as in a pod: an empty file that any user may write to; its last 4096 bytes are the message; unset: /dev/termination-log"},
		{"terminationMessagePolicy", Supported, ""},
		{"tty", Supported, ""},
		{"stdin", Supported, "open and empty, as in a Job without an attached client"},
		{"stdinOnce", Approximated, "no client attaches to a task"},
		{"securityContext.runAsUser", Supported, ""},
		{"securityContext.runAsGroup", Supported, ""},
		{"securityContext.runAsNonRoot", Supported, "an image that runs as root is refused"},
		{"securityContext.privileged", Supported, "needs --allow privileged"},
		{"securityContext.readOnlyRootFilesystem", Supported, ""},
		{"securityContext.allowPrivilegeEscalation", Supported, ""},
		{"securityContext.capabilities", Supported, "on top of the engine's default set, as in Kubernetes; others than Docker's default ones need --allow capabilities"},
		{"securityContext.procMount", Supported, "Unmasked needs --allow unmasked-proc"},
		{"securityContext.seccompProfile.type", Supported, "RuntimeDefault, and Unconfined with --allow unconfined; Localhost is rejected"},
		{"securityContext.seccompProfile.localhostProfile", Rejected, "the profile is a file of a node"},
		{"securityContext.appArmorProfile.type", Supported, "RuntimeDefault; Unconfined and Localhost are rejected"},
		{"securityContext.appArmorProfile.localhostProfile", Rejected, "profiles are loaded on a node"},
		{"securityContext.seLinuxOptions", Rejected, "the labels belong to a node"},
		{"securityContext.windowsOptions", Rejected, "tasks run in Linux containers"},
	}
}

// checkSupport reports the given fields of a container that are not fully supported.
func checkSupport(container part) {
	table := map[string]ContainerField{}
	for _, f := range ContainerFields() {
		table[f.Path] = f
	}
	var visit func(p part, path string)
	visit = func(p part, path string) {
		n := p.root
		if n == nil || n.Bad || n.Kind == yamltree.Null {
			return
		}
		if (n.Kind == yamltree.Object || n.Kind == yamltree.List) && len(n.Values) == 0 {
			return // Kubernetes ignores it
		}
		f, known := table[path]
		switch {
		case known:
			p.reportSupport(f)
		case n.Kind == yamltree.Object:
			for _, key := range n.Keys() {
				visit(p.in(key.Text), strings.TrimPrefix(path+"."+key.Text, "."))
			}
		case n.Kind == yamltree.List:
			for i := range n.Values {
				visit(p.in(i), path+"[]")
			}
		}
	}
	visit(container, "")
}

func (p part) reportSupport(f ContainerField) {
	switch at := p.At(); f.Support {
	case Approximated:
		p.noEffect(at, f.Reason)
	case Rejected:
		p.unsupported(at, "", "%s is not supported: %s", at.Field, f.Reason)
	}
}
