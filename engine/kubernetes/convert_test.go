package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// TestSecretsAreInTheSecret holds that a secret is in no other object, wherever the container uses it.
func TestSecretsAreInTheSecret(t *testing.T) {
	secret := plan.NewSecret("s/k", "the-secret")
	c := plan.Container{
		Image:   "image",
		Command: plan.Texts([]string{"sh", "-c"}),
		Args:    []plan.Text{plan.Plain("a $(B) $$"), plan.Join(plan.Plain("x="), plan.Hidden(secret))},
		Env:     []plan.EnvVar{{Name: "A", Value: plan.Hidden(secret)}, {Name: "B", Value: plan.Plain("$(A)")}},
		Files:   []plan.File{{Path: "/f", Mode: 0o444, Content: []byte("content")}},
	}
	o, err := convert(c, engine.Labels{Run: "r", Task: "t", Attempt: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []any{o.job, o.files} {
		text, err := json.Marshal(object)
		if err != nil || strings.Contains(string(text), "the-secret") || strings.Contains(string(text), "dGhlLXNlY3JldA") {
			t.Errorf("the secret is in %s, error %v", text, err)
		}
	}
	if got := o.secrets.Data; string(got["env-0"]) != "the-secret" || string(got["arg-1"]) != "x=the-secret" || len(got) != 2 {
		t.Errorf("the Secret has %q", got)
	}
	container := o.job.Spec.Template.Spec.Containers[0]
	if got := container.Args; len(got) != 2 || got[0] != "a $$(B) $$$$" || got[1] != "$(KTASK_ARG_1)" {
		t.Errorf("arguments %q", got)
	}
	if got := container.Env[1].Value; got != "$$(A)" {
		t.Errorf("B is %q", got)
	}
}

// TestJobEndsByItself holds that the cluster ends and removes each Job, whatever happens to ktask.
func TestJobEndsByItself(t *testing.T) {
	for lifetime, want := range map[time.Duration]int64{0: 24 * 60 * 60, 90*time.Second + 1: 91} {
		o, err := convert(plan.Container{Image: "image"}, engine.Labels{Run: "r", Task: "t", Attempt: 1, Lifetime: lifetime})
		if err != nil {
			t.Fatal(err)
		}
		s := o.job.Spec
		if *s.ActiveDeadlineSeconds != want || *s.TTLSecondsAfterFinished != 60 || *s.BackoffLimit != 0 {
			t.Errorf("lifetime %v: deadline %d, TTL %d, limit %d", lifetime, *s.ActiveDeadlineSeconds, *s.TTLSecondsAfterFinished, *s.BackoffLimit)
		}
	}
}

func TestJobNames(t *testing.T) {
	seen := map[string]engine.Labels{}
	for _, task := range []string{"task", "Task", "a/b", "a-b", "ä", strings.Repeat("long", 30), strings.Repeat("long", 30) + "er", "-"} {
		for _, attempt := range []int{1, 12345} {
			l := engine.Labels{Run: "0123456789ab", Task: task, Attempt: attempt}
			name := jobName(l)
			if flaws := validation.IsDNS1123Label(name); len(flaws) > 0 {
				t.Errorf("%+v: %s: %v", l, name, flaws)
			}
			if other, ok := seen[name]; ok {
				t.Errorf("%+v and %+v are both %s", l, other, name)
			}
			seen[name] = l
			if got := labelsOf(meta(l)); got != l {
				t.Errorf("labels %+v, want %+v", got, l)
			}
		}
	}
}

// TestPodOfAContainer checks what only a cluster knows how to use, and what its container runtime sets.
func TestPodOfAContainer(t *testing.T) {
	c := plan.Container{
		Image: "image", ServiceAccount: "robot", ImagePullSecrets: []string{"regcred"}, AutomountToken: new(false), User: "7:8",
		Env: []plan.EnvVar{{Name: "HOSTNAME", Value: plan.Plain("task"), Origin: plan.Default}, {Name: "A", Value: plan.Plain("1")}},
	}
	o, err := convert(c, engine.Labels{Run: "r", Task: "t", Attempt: 1})
	if err != nil {
		t.Fatal(err)
	}
	pod := o.job.Spec.Template.Spec
	if pod.ServiceAccountName != "robot" || *pod.AutomountServiceAccountToken || len(pod.ImagePullSecrets) != 1 || pod.ImagePullSecrets[0].Name != "regcred" {
		t.Errorf("the pod is %+v", pod)
	}
	container := pod.Containers[0]
	if s := container.SecurityContext; *s.RunAsUser != 7 || *s.RunAsGroup != 8 || container.Name != "task" || len(container.Env) != 1 {
		t.Errorf("the container is %+v", container)
	}
	c.User = "app"
	if _, err := convert(c, engine.Labels{}); err == nil || !strings.Contains(err.Error(), `user "app"`) {
		t.Errorf("the user app: error %v", err)
	}
}

// TestFieldsOfThePod: the kubelet puts together what has a field of the pod. A secret beside it stands in the Secret alone.
func TestFieldsOfThePod(t *testing.T) {
	ip := plan.FromPod(plan.Field{Path: "status.podIP"})
	secret := plan.Hidden(plan.NewSecret("s/k", "the-secret"))
	c := plan.Container{
		Image: "image", Args: []plan.Text{plan.Join(ip, plan.Plain(" costs $5"))},
		Env: []plan.EnvVar{
			{Name: "IP", Value: ip}, {Name: "URL", Value: plan.Join(secret, plan.Plain("@"), ip)},
			{Name: "CPU", Value: plan.FromPod(plan.Field{Resource: "limits.cpu", Divisor: "1m"})},
		},
	}
	o, err := convert(c, engine.Labels{Run: "r", Task: "t", Attempt: 1})
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	container := o.job.Spec.Template.Spec.Containers[0]
	for _, e := range container.Env {
		switch from := e.ValueFrom; {
		case from == nil:
			env = append(env, e.Name+"="+e.Value)
		case from.FieldRef != nil:
			env = append(env, e.Name+"<"+from.FieldRef.FieldPath)
		case from.ResourceFieldRef != nil:
			env = append(env, e.Name+"<"+from.ResourceFieldRef.Resource+"/"+from.ResourceFieldRef.Divisor.String())
		default:
			env = append(env, e.Name+"<secret "+string(o.secrets.Data[from.SecretKeyRef.Key]))
		}
	}
	want := "IP<status.podIP KTASK_ENV_1_PART_0<secret the-secret KTASK_ENV_1_PART_1<status.podIP URL=$(KTASK_ENV_1_PART_0)@$(KTASK_ENV_1_PART_1) " +
		"CPU<limits.cpu/1m KTASK_ARG_0_PART_0<status.podIP KTASK_ARG_0=$(KTASK_ARG_0_PART_0) costs $$5"
	if got := strings.Join(env, " "); got != want || container.Args[0] != "$(KTASK_ARG_0)" {
		t.Errorf("args %q, variables\n%s\nwant\n%s", container.Args, got, want)
	}
}

// TestRequests: what a task asks for is in its Job, also if it has a limit.
func TestRequests(t *testing.T) {
	c := plan.Container{Image: "image", Limits: plan.Limits{NanoCPUs: 2e9}, Requests: []plan.Request{{Resource: "cpu", Quantity: "10m"}, {Resource: "memory", Quantity: "0"}}}
	o, err := convert(c, engine.Labels{Run: "r", Task: "t", Attempt: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(o.job.Spec.Template.Spec.Containers[0].Resources)
	if want := `{"limits":{"cpu":"2"},"requests":{"cpu":"10m","memory":"0"}}`; err != nil || string(got) != want {
		t.Errorf("resources %s, error %v, want %s", got, err, want)
	}
}
