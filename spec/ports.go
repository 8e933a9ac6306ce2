package spec

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// ports checks fields that have no effect here, because a cluster rejects an invalid pod: validateContainerPorts in
// k8s.io/kubernetes pkg/apis/core/validation, and the keys of the list in the custom resource definition.
func (c containerCheck) ports() {
	seen := map[string]cursor{}
	once := func(s cursor, field, key, what string) {
		if first, twice := seen[key]; twice {
			c.fail(s.At(field), "duplicate-item", "keep one of them", "%s is given twice; the first is on line %d", what, first.At().Line)
		}
		seen[key] = s
	}
	for s, p := range sound(c.loader, c.s.sub("ports"), c.raw.Ports) {
		c := c.within(s)
		protocol := p.Protocol
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		c.oneOf(string(protocol), []string{"TCP", "UDP", "SCTP"}, "protocol")
		if p.Name != "" {
			c.refused(validation.IsValidPortName(p.Name), s.At("name"), "invalid-name", "%q is not a valid port name", p.Name)
			once(s, "name", p.Name, fmt.Sprintf("name %q", p.Name))
		}
		if p.HostPort != 0 {
			c.portNumber(p.HostPort, "hostPort")
			once(s, "hostPort", fmt.Sprintf("%d/%s/%s", p.HostPort, protocol, p.HostIP), fmt.Sprintf("hostPort %d", p.HostPort))
		}
		if !s.Given("containerPort") {
			c.loader.reportMissing(c.s, "containerPort")
			continue
		}
		c.portNumber(p.ContainerPort, "containerPort")
		once(s, "containerPort", fmt.Sprintf("%d/%s", p.ContainerPort, protocol), fmt.Sprintf("containerPort %d of protocol %s", p.ContainerPort, protocol))
	}
}

func (c containerCheck) portNumber(port int32, field string) {
	if validation.IsValidPortNum(int(port)) != nil {
		c.fail(c.s.At(field), "out-of-range", "", "%s must be from 1 to 65535, not %d", c.s.At(field).Field, port)
	}
}

// portRef checks a port that is given by number or by name.
func (c containerCheck) portRef(port intstr.IntOrString) {
	switch {
	case !c.s.Given("port"):
		c.loader.reportMissing(c.s, "port")
	case port.Type == intstr.Int:
		c.portNumber(port.IntVal, "port")
	default:
		c.refused(validation.IsValidPortName(port.StrVal), c.s.At("port"), "invalid-name", "%q is not a valid port name", port.StrVal)
	}
}
