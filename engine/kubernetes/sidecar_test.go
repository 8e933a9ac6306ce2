//go:build cluster

package kubernetes_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine"
)

// inject lets the cluster add a container before the others of each pod in the namespace, as service meshes do.
func (s space) inject(t *testing.T, container string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review map[string]any
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			t.Error(err)
		}
		patch := fmt.Appendf(nil, `[{"op": "add", "path": "/spec/containers/0", "value": %s}]`, container)
		review["response"] = map[string]any{"uid": review["request"].(map[string]any)["uid"], "allowed": true, "patchType": "JSONPatch", "patch": patch}
		_ = json.NewEncoder(w).Encode(review)
	}))
	t.Cleanup(server.Close)
	var hook unstructured.Unstructured
	err := yaml.Unmarshal(fmt.Appendf(nil, `{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: %[1]s}, webhooks: [{
		name: inject.ktask.dev, admissionReviewVersions: [v1], sideEffects: None, namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}},
		rules: [{apiGroups: [""], apiVersions: [v1], resources: [pods], operations: [CREATE]}], clientConfig: {url: %[2]q}}]}`, s.name, server.URL), &hook.Object)
	if err != nil {
		t.Fatal(err)
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	hook.Object["webhooks"].([]any)[0].(map[string]any)["clientConfig"].(map[string]any)["caBundle"] = authority
	hooks := s.client.Resource(schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"})
	if _, err := hooks.Create(t.Context(), &hook, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := hooks.Delete(context.WithoutCancel(t.Context()), s.name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the container is added", func() bool {
		pod := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "probe"},
			"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": busybox}}},
		}}
		made, err := s.of("pods").Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil && strings.Contains(text(t, made.Object), "a-sidecar")
	})
}

// TestSidecar holds that the output and the end of an attempt are those of its own container, whatever else the cluster adds to its pod.
func TestSidecar(t *testing.T) {
	t.Parallel()
	s := newSpace(t, nil)
	s.inject(t, fmt.Sprintf(`{"name": "a-sidecar", "image": %q, "imagePullPolicy": "Never", "command": ["sh", "-c", "trap 'exit 0' TERM; echo of the sidecar; sleep 100 & wait"]}`, busybox))
	began := time.Now()
	exit, heard, err := start(t, t.Context(), s.engine(t), shell("echo one; sleep 1; exit 3"), nil)
	if lines := heard.Lines("", engine.Stdout); err != nil || exit.Code != 3 || len(lines) != 1 || lines[0] != "one" {
		t.Errorf("exit %+v, error %v, output %q", exit, err, lines)
	}
	t.Log(time.Since(began))
	s.nothingLeft(t)
}
