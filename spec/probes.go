package spec

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// checkProbes checks fields that have no effect here, because a cluster rejects an invalid pod: validateProbe, validateHandler and
// validateLifecycle in k8s.io/kubernetes pkg/apis/core/validation.
func checkProbes(p part, c *corev1.Container) {
	for _, f := range []struct {
		field string
		probe *corev1.Probe
	}{{"livenessProbe", c.LivenessProbe}, {"readinessProbe", c.ReadinessProbe}, {"startupProbe", c.StartupProbe}} {
		if f.probe != nil && p.Given(f.field) {
			checkProbe(p.in(f.field), f.probe, f.field == "readinessProbe")
		}
	}
}

func checkProbe(p part, probe *corev1.Probe, readiness bool) {
	checkHandler(p, corev1.LifecycleHandler{Exec: probe.Exec, HTTPGet: probe.HTTPGet, TCPSocket: probe.TCPSocket}, probe.GRPC, "exec, httpGet, tcpSocket and grpc")
	for _, f := range []struct {
		field string
		value int32
	}{
		{"initialDelaySeconds", probe.InitialDelaySeconds}, {"timeoutSeconds", probe.TimeoutSeconds}, {"periodSeconds", probe.PeriodSeconds},
		{"successThreshold", probe.SuccessThreshold}, {"failureThreshold", probe.FailureThreshold},
	} {
		if f.value < 0 {
			p.fail(p.At(f.field), "out-of-range", "", "%s must be 0 or more, not %d", p.At(f.field).Field, f.value)
		}
	}
	if !readiness && probe.SuccessThreshold > 1 {
		p.fail(p.At("successThreshold"), "out-of-range", "", "%s must be 1: only a readinessProbe can ask for more", p.At("successThreshold").Field)
	}
	at := p.At("terminationGracePeriodSeconds")
	switch grace := probe.TerminationGracePeriodSeconds; {
	case grace == nil:
	case readiness:
		p.fail(at, "conflict", "leave it out", "a readinessProbe cannot have terminationGracePeriodSeconds")
	case *grace <= 0:
		p.fail(at, "out-of-range", "", "%s must be 1 or more, not %d", at.Field, *grace)
	}
}

func checkLifecycle(p part, lifecycle *corev1.Lifecycle) {
	if lifecycle == nil {
		return
	}
	const kinds = "exec, httpGet, tcpSocket and sleep"
	if h := lifecycle.PostStart; h != nil && p.Given("postStart") {
		checkHandler(p.in("postStart"), *h, nil, kinds)
	}
	if h := lifecycle.PreStop; h != nil && p.Given("preStop") {
		checkHandler(p.in("preStop"), *h, nil, kinds)
	}
}

// checkHandler checks the action of a probe or a hook, which has exactly one of the kinds.
func checkHandler(p part, h corev1.LifecycleHandler, grpc *corev1.GRPCAction, kinds string) {
	count := 0
	action := func(field string) part {
		count++
		return p.in(field)
	}
	if h.Exec != nil {
		if s := action("exec"); len(h.Exec.Command) == 0 {
			s.reportMissing("command")
		}
	}
	if h.HTTPGet != nil {
		checkHTTPGet(action("httpGet"), h.HTTPGet)
	}
	if h.TCPSocket != nil {
		checkPort(action("tcpSocket"), h.TCPSocket.Port)
	}
	if grpc != nil {
		checkPort(action("grpc"), intstr.FromInt32(grpc.Port))
	}
	if h.Sleep != nil {
		const grace = 30 // the default of a pod, which Keptn's Jobs use
		if s := action("sleep"); h.Sleep.Seconds <= 0 || h.Sleep.Seconds > grace {
			s.fail(s.At("seconds"), "out-of-range", "", "%s must be from 1 to %d, the grace period of the pod", s.At("seconds").Field, grace)
		}
	}
	p.exactlyOne(count, kinds)
}

func checkHTTPGet(p part, get *corev1.HTTPGetAction) {
	checkPort(p, get.Port)
	p.oneOf(string(get.Scheme), []string{"HTTP", "HTTPS"}, "scheme")
	for s, header := range items(p.in("httpHeaders"), get.HTTPHeaders) {
		s.refused(validation.IsHTTPHeaderName(header.Name), s.At("name"), "invalid-name", "%q is not a valid header name", header.Name)
		if !s.Given("value") {
			s.reportMissing("value")
		}
	}
}

func checkResizePolicy(list part, policies []corev1.ContainerResizePolicy) {
	names := seen{}
	for p, policy := range items(list, policies) {
		name := string(policy.ResourceName)
		if !p.missing(name, "resourceName") {
			p.oneOf(name, []string{"cpu", "memory"}, "resourceName")
		}
		if !p.missing(string(policy.RestartPolicy), "restartPolicy") {
			p.oneOf(string(policy.RestartPolicy), []string{"NotRequired", "RestartContainer"}, "restartPolicy")
		}
		names.once(p, "resourceName", name, fmt.Sprintf("resource %q", name))
	}
}
