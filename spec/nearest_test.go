package spec

import (
	"testing"

	"github.com/ktask/ktask/spec/internal/api"
)

func TestNearest(t *testing.T) {
	for _, c := range []struct {
		name, want string
		candidates []string
	}{
		{"image_pull_policy", "imagePullPolicy", []string{"image", "imagePullPolicy"}},
		{"image-pull-policy", "imagePullPolicy", []string{"image", "imagePullPolicy"}},
		{"KeptnTaskDefinitoin", "KeptnTaskDefinition", []string{"KeptnTask", "KeptnTaskDefinition"}},
		{"inlineRef", "inline", []string{"httpRef", "inline"}},
		{"retry", "retries", []string{"timeout", "retries"}},
		{"retrys", "retries", []string{"timeout", "retries"}},
		{"argument", "arguments", []string{"argument-list", "arguments"}},
		{"KeptnProject", "", []string{"KeptnApp", "KeptnTask"}},
		{"b", "", []string{"a"}},
		{"_", "", []string{"a"}},
	} {
		if got := Nearest(c.name, c.candidates); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestDidYouMean checks that a name is not suggested for itself.
func TestDidYouMean(t *testing.T) {
	for want, candidates := range map[string][]string{"": {"slack"}, `did you mean "slacks"?`: {"slack", "slacks"}} {
		if got := DidYouMean("slack", candidates); got != want {
			t.Errorf("%q: got %q, want %q", candidates, got, want)
		}
	}
}

func TestIsSlip(t *testing.T) {
	for name, want := range map[string]bool{
		"lifecycle.keptn.sh": true, "Lifecycle.Keptn.SH": true, "lifecycle.keptn": true, "lifecycle.kepn.sh": true, "lifecycle.keptn.io": true,
		"spec.keptn.sh": false, "keptn.sh": false, "keptn.operator.keptn.sh": false, "webhookconfig.keptn.sh": false, "": false,
	} {
		if isSlip(name, api.LifecycleGroup) != want {
			t.Errorf("%q is meant to be %s: %t, want %t", name, api.LifecycleGroup, !want, want)
		}
	}
}
