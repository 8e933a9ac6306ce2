// Package kubernetes runs containers on a Kubernetes cluster: an attempt is a Job of one pod, with a ConfigMap of its files and a
// Secret of what contains a secret.
//
// Its input is a plan.Container; its output are events and an engine.Exit. Nothing has to be installed on the cluster. What a killed
// ktask leaves behind ends at the deadline of its Job and is removed a minute later, by the cluster. The package is independent of
// Keptn, and reads no environment except in FromEnv.
package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ktask/ktask/engine"
)

// Options select a cluster and a namespace, as the flags and variables of kubectl do.
type Options struct {
	// Kubeconfigs are files that are merged; an earlier one takes precedence. In a pod there need be none.
	Kubeconfigs []string
	// Context is the context in the files; empty is their current one.
	Context string
	// Namespace is where everything is created; empty is that of the context.
	Namespace string
	// UserAgent identifies the caller and its version to the cluster.
	UserAgent string
}

// FromEnv returns options with the files that KUBECONFIG names or, without it, with ~/.kube/config.
func FromEnv() Options {
	return Options{Kubeconfigs: clientcmd.NewDefaultClientConfigLoadingRules().Precedence}
}

// Engine is a namespace of a Kubernetes cluster. It is safe for concurrent use.
type Engine struct {
	core, batch rest.Interface
	host        string
	namespace   string
	parameters  runtime.ParameterCodec

	mu sync.Mutex
	// watches are those of the runs that have attempts.
	watches map[string]*podWatch
}

var (
	_ engine.Engine    = (*Engine)(nil)
	_ engine.Describer = (*Engine)(nil)
	_ engine.Checker   = (*Engine)(nil)
)

// New returns the engine that the options select. It makes no request. The error is an *engine.Error.
func New(o Options) (*Engine, error) {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: o.Kubeconfigs, WarnIfAllMissing: false}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
	overrides.Context.Namespace = o.Namespace
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loaded.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, o.unconfigured()
	case err != nil:
		return nil, notConfigured(err)
	}
	namespace, _, err := loaded.Namespace()
	if err != nil {
		return nil, notConfigured(err)
	}
	if wrong := validation.IsDNS1123Label(namespace); len(wrong) > 0 {
		return nil, &engine.Error{
			Reason: engine.EngineRefused, Err: fmt.Errorf("namespace %q: %s", namespace, wrong[0]),
			Remedy: engine.Remedy{Text: "correct --kube-namespace, or the namespace of the context"},
		}
	}
	config.UserAgent = o.UserAgent
	config.QPS = -1 // it is the cluster that limits requests
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, batchv1.AddToScheme} {
		if err := add(all); err != nil {
			return nil, err
		}
	}
	metav1.AddToGroupVersion(all, schema.GroupVersion{Version: "v1"})
	e := &Engine{host: config.Host, namespace: namespace, parameters: runtime.NewParameterCodec(all), watches: map[string]*podWatch{}}
	for _, api := range []struct {
		client *rest.Interface
		group  schema.GroupVersion
		path   string
	}{{&e.core, corev1.SchemeGroupVersion, "/api"}, {&e.batch, batchv1.SchemeGroupVersion, "/apis"}} {
		of := rest.CopyConfig(config)
		of.GroupVersion, of.APIPath, of.NegotiatedSerializer = &api.group, api.path, serializer.NewCodecFactory(all).WithoutConversion()
		client, err := rest.RESTClientFor(of)
		if err != nil {
			return nil, notConfigured(err)
		}
		*api.client = client
	}
	return e, nil
}

// Contexts returns the names of the contexts in the kubeconfigs, sorted, or nil if they cannot be read.
func (o Options) Contexts() []string {
	config, err := (&clientcmd.ClientConfigLoadingRules{Precedence: o.Kubeconfigs}).Load()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(config.Contexts))
}

// unconfigured returns why the kubeconfigs select no cluster.
func (o Options) unconfigured() error {
	files := strings.Join(o.Kubeconfigs, ", ")
	if contexts := o.Contexts(); len(contexts) > 0 {
		return &engine.Error{
			Reason: engine.EngineUnavailable, Err: fmt.Errorf("read the kubeconfig: %s has no current context", files),
			Remedy: engine.Remedy{Text: fmt.Sprintf("choose one with --kube-context (%s)", strings.Join(contexts, ", "))},
		}
	}
	if !slices.ContainsFunc(o.Kubeconfigs, func(file string) bool { _, err := os.Stat(file); return err == nil }) {
		return notConfigured(fmt.Errorf("%s: no such file", files))
	}
	return notConfigured(fmt.Errorf("%s: no cluster in it", files))
}

func notConfigured(err error) error {
	return &engine.Error{
		Reason: engine.EngineUnavailable, Err: fmt.Errorf("read the kubeconfig: %w", err),
		Remedy: engine.Remedy{Text: "see what `kubectl config view` says; --kubeconfig and --kube-context choose another cluster"},
	}
}

// Place returns the server and the namespace, which distinguish the engine from others.
func (e *Engine) Place() string { return e.host + "/" + e.namespace }

// Describe returns the version of the cluster.
func (e *Engine) Describe(ctx context.Context) (engine.Info, error) {
	var v version.Info
	asking, cancel := context.WithTimeout(ctx, describesWithin)
	defer cancel()
	raw, err := e.core.Get().AbsPath("/version").DoRaw(asking)
	if err == nil {
		err = decode(raw, &v)
	}
	if err != nil {
		return engine.Info{}, e.explain(ctx, fmt.Sprintf("ask %s for its version", e.host), err)
	}
	return engine.Info{Name: "kubernetes", Version: v.GitVersion, Host: e.host}, nil
}
