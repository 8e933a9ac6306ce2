//go:build cluster

package kubernetes_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/kubernetes"
	"github.com/ktask/ktask/engine/plan"
)

// space is a namespace of one test, with the rights of the administrator.
type space struct {
	name   string
	client dynamic.Interface
}

func adminConfig(t testing.TB) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatalf("%v; run `make test-cluster`", err)
	}
	return config
}

// newSpace creates a namespace with labels, and removes it after the test.
func newSpace(t testing.TB, labels map[string]any) space {
	t.Helper()
	client, err := dynamic.NewForConfig(adminConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	s := space{"ktask-test-" + strings.ToLower(rand.Text()[:10]), client}
	namespaces := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": s.name, "labels": labels},
	}}
	if _, err := namespaces.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := namespaces.Delete(context.WithoutCancel(t.Context()), s.name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("remove the namespace: %v", err)
		}
	})
	eventually(t, "the namespace has a service account", func() bool {
		_, err := s.of("serviceaccounts").Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	return s
}

// of returns a client for a kind of objects in the namespace.
func (s space) of(resource string) dynamic.ResourceInterface {
	kind := schema.GroupVersionResource{Version: "v1", Resource: resource}
	switch resource {
	case "jobs":
		kind.Group = "batch"
	case "roles", "rolebindings":
		kind.Group = "rbac.authorization.k8s.io"
	}
	return s.client.Resource(kind).Namespace(s.name)
}

// create creates the object of a manifest.
func (s space) create(t testing.TB, resource, manifest string) {
	t.Helper()
	var object unstructured.Unstructured
	if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
		t.Fatal(err)
	}
	if _, err := s.of(resource).Create(t.Context(), &object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// list returns all objects of a kind.
func (s space) list(t testing.TB, resource string) []unstructured.Unstructured {
	t.Helper()
	all, err := s.of(resource).List(context.WithoutCancel(t.Context()), metav1.ListOptions{})
	if err != nil {
		t.Fatalf("list %s: %v", resource, err)
	}
	return all.Items
}

// left returns the names of what the engine has made and not removed.
func (s space) left(t testing.TB) (names []string) {
	t.Helper()
	for _, resource := range []string{"jobs", "pods", "configmaps", "secrets"} {
		for _, object := range s.list(t, resource) {
			if strings.HasPrefix(object.GetName(), "ktask-") {
				names = append(names, resource+" "+object.GetName())
			}
		}
	}
	return names
}

func (s space) nothingLeft(t testing.TB) {
	t.Helper()
	if left := s.left(t); len(left) > 0 {
		t.Errorf("left on the cluster: %q", left)
	}
}

// engine returns the engine of the namespace for the administrator.
func (s space) engine(t testing.TB) *kubernetes.Engine {
	t.Helper()
	return connect(t, kubernetes.Options{Kubeconfigs: []string{os.Getenv("KUBECONFIG")}, Namespace: s.name})
}

// engineOf returns the engine of the namespace for a user who has rights in it; "" has none.
func (s space) engineOf(t testing.TB, rules string) *kubernetes.Engine {
	t.Helper()
	if rules != "" {
		s.create(t, "roles", "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: some}, rules: ["+rules+"]}")
		s.create(t, "rolebindings", `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: some},
			roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: some}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}]}`)
	}
	if rules != "" {
		as := rest.CopyConfig(adminConfig(t))
		as.Impersonate.UserName = "jane"
		client, err := dynamic.NewForConfig(as)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the rights are in force", func() bool {
			_, err := space{s.name, client}.of("jobs").List(t.Context(), metav1.ListOptions{})
			return err == nil
		})
	}
	config, err := clientcmd.LoadFromFile(os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = "jane"
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		t.Fatal(err)
	}
	return connect(t, kubernetes.Options{Kubeconfigs: []string{file}, Namespace: s.name})
}

// shell returns a container that runs a script.
func shell(script string) plan.Container {
	return plan.Container{Image: busybox, PullPolicy: plan.PullNever, Command: plan.Texts([]string{"sh", "-c", script}), Grace: 5 * time.Second}
}

// start runs one attempt. onLine is called for each line of output, and may be nil.
func start(t testing.TB, ctx context.Context, e engine.Engine, c plan.Container, onLine func(string)) (engine.Exit, *enginetest.Recorder, error) {
	t.Helper()
	var heard enginetest.Recorder
	labels := engine.Labels{Run: strings.ToLower(rand.Text()[:12]), Task: "task", Attempt: 1, Owner: "test", Version: "test"}
	exit, err := engine.Attempt(ctx, e, c, labels, engine.SinkFunc(func(event engine.Event) {
		heard.Emit(event)
		if line, ok := event.(engine.OutputLine); ok && onLine != nil {
			onLine(line.Line)
		}
	}))
	return exit, &heard, err
}

// eventually waits until met returns true.
func eventually(t testing.TB, what string, met func() bool) {
	t.Helper()
	eventuallyWithin(t, time.Minute, what, met)
}

func eventuallyWithin(t testing.TB, limit time.Duration, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !met(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// text returns objects as JSON.
func text(t testing.TB, objects any) string {
	t.Helper()
	raw, err := json.Marshal(objects)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s", raw)
}
