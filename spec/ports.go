package spec

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// checkPorts checks fields that have no effect here, because a cluster rejects an invalid pod: validateContainerPorts in
// k8s.io/kubernetes pkg/apis/core/validation, and the keys of the list in the custom resource definition.
func checkPorts(list part, ports []corev1.ContainerPort) {
	keys := seen{}
	for p, port := range items(list, ports) {
		protocol := cmp.Or(port.Protocol, corev1.ProtocolTCP)
		p.oneOf(string(protocol), []string{"TCP", "UDP", "SCTP"}, "protocol")
		if port.Name != "" {
			p.refused(validation.IsValidPortName(port.Name), p.At("name"), "invalid-name", "%q is not a valid port name", port.Name)
			keys.once(p, "name", port.Name, fmt.Sprintf("name %q", port.Name))
		}
		if port.HostPort != 0 {
			checkPortNumber(p.in("hostPort"), port.HostPort)
			keys.once(p, "hostPort", fmt.Sprintf("%d/%s/%s", port.HostPort, protocol, port.HostIP), fmt.Sprintf("hostPort %d", port.HostPort))
		}
		if !p.Given("containerPort") {
			p.reportMissing("containerPort")
			continue
		}
		checkPortNumber(p.in("containerPort"), port.ContainerPort)
		keys.once(p, "containerPort", fmt.Sprintf("%d/%s", port.ContainerPort, protocol), fmt.Sprintf("containerPort %d of protocol %s", port.ContainerPort, protocol))
	}
}

func checkPortNumber(p part, port int32) {
	if validation.IsValidPortNum(int(port)) != nil {
		p.fail(p.At(), "out-of-range", "", "%s must be from 1 to 65535, not %d", p.At().Field, port)
	}
}

// checkPort checks the field port, which has a number or a name.
func checkPort(p part, port intstr.IntOrString) {
	switch {
	case !p.Given("port"):
		p.reportMissing("port")
	case port.Type == intstr.Int:
		checkPortNumber(p.in("port"), port.IntVal)
	default:
		p.refused(validation.IsValidPortName(port.StrVal), p.At("port"), "invalid-name", "%q is not a valid port name", port.StrVal)
	}
}
