package kubernetes

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
)

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// TestLateState: a start has ended, and so has its log, but its state comes ten seconds later. The log is then not read as long as it may
// be that of the next start.
func TestLateState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		types := runtime.NewScheme()
		if err := corev1.AddToScheme(types); err != nil {
			t.Fatal(err)
		}
		metav1.AddToGroupVersion(types, corev1.SchemeGroupVersion)
		var previous []bool
		transport := roundTripper(func(r *http.Request) *http.Response {
			previous = append(previous, r.URL.Query().Get("previous") == "true")
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("2026-01-01T00:00:00Z line\n"))}
		})
		config := &rest.Config{Host: "http://cluster", QPS: -1}
		config.GroupVersion, config.NegotiatedSerializer = &corev1.SchemeGroupVersion, serializer.NewCodecFactory(types).WithoutConversion()
		client, err := rest.RESTClientForConfigAndClient(config, &http.Client{Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		running := corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
		a := &attempt{engine: &Engine{core: client, parameters: runtime.NewParameterCodec(types)}, pod: stateOf(running), whole: true}
		a.pod.pod.Name, a.pod.pod.Spec.Containers = "p", []corev1.Container{{Name: "c"}}
		w := &podWatch{pods: map[string]*podState{"job": a.pod}}
		time.AfterFunc(10*time.Second, func() {
			pod := a.pod.pod.DeepCopy()
			pod.Labels = map[string]string{batchv1.JobNameLabel: "job"}
			pod.Status.ContainerStatuses[0].RestartCount = 1
			w.set(pod, false)
		})
		var out strings.Builder
		if err := a.read(t.Context(), 0, &out); err != nil {
			t.Fatal(err)
		}
		if want := []bool{false, true}; !slices.Equal(previous, want) || out.String() != "line\n" {
			t.Errorf("it asks for the previous log: %v, want %v; it passes on %q", previous, want, out.String())
		}
	})
}
