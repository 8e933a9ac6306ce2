package spec

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// probes checks fields that have no effect here, because a cluster rejects an invalid pod: validateProbe, validateHandler and
// validateLifecycle in k8s.io/kubernetes pkg/apis/core/validation.
func (c containerCheck) probes() {
	for _, p := range []struct {
		field string
		probe *corev1.Probe
	}{{"livenessProbe", c.raw.LivenessProbe}, {"readinessProbe", c.raw.ReadinessProbe}, {"startupProbe", c.raw.StartupProbe}} {
		if p.probe != nil && c.s.Given(p.field) {
			c.within(c.s.sub(p.field)).probe(p.probe, p.field == "readinessProbe")
		}
	}
}

func (c containerCheck) probe(p *corev1.Probe, readiness bool) {
	c.handler(corev1.LifecycleHandler{Exec: p.Exec, HTTPGet: p.HTTPGet, TCPSocket: p.TCPSocket}, p.GRPC, "exec, httpGet, tcpSocket and grpc")
	for _, f := range []struct {
		field string
		value int32
	}{
		{"initialDelaySeconds", p.InitialDelaySeconds}, {"timeoutSeconds", p.TimeoutSeconds}, {"periodSeconds", p.PeriodSeconds},
		{"successThreshold", p.SuccessThreshold}, {"failureThreshold", p.FailureThreshold},
	} {
		if f.value < 0 {
			c.fail(c.s.At(f.field), "out-of-range", "", "%s must be 0 or more, not %d", c.s.At(f.field).Field, f.value)
		}
	}
	if !readiness && p.SuccessThreshold > 1 {
		c.fail(c.s.At("successThreshold"), "out-of-range", "", "%s must be 1: only a readinessProbe can ask for more", c.s.At("successThreshold").Field)
	}
	switch grace := p.TerminationGracePeriodSeconds; {
	case grace == nil:
	case readiness:
		c.fail(c.s.At("terminationGracePeriodSeconds"), "conflict", "leave it out", "a readinessProbe ends nothing, and has no terminationGracePeriodSeconds")
	case *grace <= 0:
		c.fail(c.s.At("terminationGracePeriodSeconds"), "out-of-range", "", "%s must be 1 or more, not %d", c.s.At("terminationGracePeriodSeconds").Field, *grace)
	}
}

func (c containerCheck) lifecycle() {
	if c.raw.Lifecycle == nil {
		return
	}
	s := c.within(c.s.sub("lifecycle"))
	const kinds = "exec, httpGet, tcpSocket and sleep"
	if h := c.raw.Lifecycle.PostStart; h != nil && s.s.Given("postStart") {
		s.within(s.s.sub("postStart")).handler(*h, nil, kinds)
	}
	if h := c.raw.Lifecycle.PreStop; h != nil && s.s.Given("preStop") {
		s.within(s.s.sub("preStop")).handler(*h, nil, kinds)
	}
}

// handler checks the action of a probe or a hook, which has exactly one of the kinds.
func (c containerCheck) handler(h corev1.LifecycleHandler, grpc *corev1.GRPCAction, kinds string) {
	count := 0
	part := func(field string) containerCheck {
		count++
		return c.within(c.s.sub(field))
	}
	if h.Exec != nil {
		if s := part("exec"); len(h.Exec.Command) == 0 {
			s.loader.reportMissing(s.s, "command")
		}
	}
	if h.HTTPGet != nil {
		part("httpGet").httpGet(h.HTTPGet)
	}
	if h.TCPSocket != nil {
		part("tcpSocket").portRef(h.TCPSocket.Port)
	}
	if grpc != nil {
		if s := part("grpc"); s.s.Given("port") {
			s.portNumber(grpc.Port, "port")
		} else {
			s.loader.reportMissing(s.s, "port")
		}
	}
	if h.Sleep != nil {
		const grace = 30 // the default of a pod, which Keptn's Jobs use
		if s := part("sleep"); h.Sleep.Seconds <= 0 || h.Sleep.Seconds > grace {
			s.fail(s.s.At("seconds"), "out-of-range", "", "%s must be from 1 to %d, the grace period of the pod", s.s.At("seconds").Field, grace)
		}
	}
	c.exactlyOne(count, kinds)
}

func (c containerCheck) httpGet(get *corev1.HTTPGetAction) {
	c.portRef(get.Port)
	c.oneOf(string(get.Scheme), []string{"HTTP", "HTTPS"}, "scheme")
	for s, header := range sound(c.loader, c.s.sub("httpHeaders"), get.HTTPHeaders) {
		c.refused(validation.IsHTTPHeaderName(header.Name), s.At("name"), "invalid-name", "%q is not a valid header name", header.Name)
		if !s.Given("value") {
			c.loader.reportMissing(s, "value")
		}
	}
}

func (c containerCheck) resizePolicy() {
	seen := map[corev1.ResourceName]cursor{}
	for s, p := range sound(c.loader, c.s.sub("resizePolicy"), c.raw.ResizePolicy) {
		c := c.within(s)
		if !c.missing(string(p.ResourceName), "resourceName") {
			c.oneOf(string(p.ResourceName), []string{"cpu", "memory"}, "resourceName")
		}
		if !c.missing(string(p.RestartPolicy), "restartPolicy") {
			c.oneOf(string(p.RestartPolicy), []string{"NotRequired", "RestartContainer"}, "restartPolicy")
		}
		if first, twice := seen[p.ResourceName]; twice {
			c.fail(s.At("resourceName"), "duplicate-item", "keep one of them", "resource %q is given twice; the first is on line %d", p.ResourceName, first.At().Line)
		}
		seen[p.ResourceName] = s
	}
}
