package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Facts are what a cluster reports about itself and about the user.
type Facts struct {
	Name      string `json:"name"` // kubernetes
	Version   string `json:"version"`
	Host      string `json:"host"`
	Namespace string `json:"namespace"`
	// Exists reports whether the namespace exists, as far as the user may know.
	Exists bool `json:"exists"`
	// Rights are those that ktask needs in the namespace.
	Rights []Right `json:"rights"`
}

// Right is the right to do something with a kind of objects.
type Right struct {
	Verb     string `json:"verb"`
	Resource string `json:"resource"`
	Allowed  bool   `json:"allowed"`
}

// rules are the rights that the package uses.
var rules = []rbacv1.PolicyRule{
	{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"create", "list", "watch", "delete"}},
	{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list", "watch", "delete"}},
	{APIGroups: []string{""}, Resources: []string{"pods/log"}, Verbs: []string{"get"}},
	{APIGroups: []string{""}, Resources: []string{"configmaps", "secrets"}, Verbs: []string{"create", "delete"}},
	{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"list"}},
}

// Facts asks the cluster for its version, and whether the user has the rights that ktask needs. Missing rights are no error
// here, but one of Missing.
func (e *Engine) Facts(ctx context.Context) (Facts, error) {
	info, err := e.Describe(ctx)
	if err != nil {
		return Facts{}, err
	}
	f := Facts{Name: info.Name, Version: info.Version, Host: info.Host, Namespace: e.namespace}
	if f.Exists, err = e.namespaceExists(ctx); err != nil {
		return Facts{}, err
	}
	for _, rule := range rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				allowed, err := e.may(ctx, verb, rule.APIGroups[0], resource)
				if err != nil {
					return Facts{}, err
				}
				f.Rights = append(f.Rights, Right{verb, resource, allowed})
			}
		}
	}
	return f, nil
}

// namespaceExists asks the cluster whether it would create a Job. A user needs no right to look at namespaces for that.
func (e *Engine) namespaceExists(ctx context.Context) (bool, error) {
	o, err := convert(plan.Container{Image: "none", Command: plan.Texts([]string{"none"})}, engine.Labels{Run: "none", Task: "none"})
	if err != nil {
		return false, err
	}
	err = e.batch.Post().Namespace(e.namespace).Resource("jobs").Param("dryRun", metav1.DryRunAll).Body(&o.job).Do(ctx).Error()
	if answer := (apierrors.APIStatus)(nil); err != nil && !errors.As(err, &answer) {
		return false, e.explain(ctx, "ask for namespace "+e.namespace, err)
	}
	return !apierrors.IsNotFound(err), nil
}

// may asks whether the user has a right, as `kubectl auth can-i` does.
func (e *Engine) may(ctx context.Context, verb, group, resource string) (bool, error) {
	name, sub, _ := strings.Cut(resource, "/")
	review := authorizationv1.SelfSubjectAccessReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"},
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: e.namespace, Verb: verb, Group: group, Resource: name, Subresource: sub,
		}},
	}
	text, err := json.Marshal(review)
	if err != nil {
		return false, err
	}
	err = e.do(ctx, "ask for the right to "+verb+" "+resource, func(ctx context.Context) error {
		answer, err := e.core.Post().AbsPath("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").
			SetHeader("Content-Type", "application/json").SetHeader("Accept", "application/json").Body(text).DoRaw(ctx)
		if err != nil {
			return err
		}
		return json.Unmarshal(answer, &review)
	})
	return review.Status.Allowed, err
}

// Missing returns an *engine.Error if there is no such namespace, or one that names the rights that the user does not have, or nil.
func (f Facts) Missing() error {
	if !f.Exists {
		return &engine.Error{
			Reason: engine.EngineRefused, Err: fmt.Errorf("the cluster has no namespace %q", f.Namespace),
			Remedy: engine.Remedy{Text: "create the namespace, or use another one (--kube-namespace)"},
		}
	}
	var missing []string
	for _, r := range f.Rights {
		if !r.Allowed {
			missing = append(missing, r.Verb+" "+r.Resource)
		}
	}
	if missing == nil {
		return nil
	}
	return &engine.Error{
		Reason: engine.EngineRefused, Err: fmt.Errorf("namespace %q of the cluster does not allow to %s", f.Namespace, strings.Join(missing, ", ")),
		Remedy: engine.Remedy{Text: "ask who administers the cluster for the Role that `ktask doctor --engine kubernetes` prints"},
	}
}

// Role returns a manifest of the Role with the rights that ktask needs.
func (f Facts) Role() string {
	text, _ := yaml.Marshal(map[string]any{ // values of these types can always be marshaled
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": map[string]string{"name": "ktask", "namespace": f.Namespace}, "rules": rules,
	})
	return string(text)
}
