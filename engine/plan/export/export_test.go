package export_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/plan/export"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const value = "hunter2-and-more"

// hostile is a text in which a shell, Docker Compose and a kubelet would do something.
const hostile = "'; touch owned; ' \"$(touch owned)\" `touch owned` $HOME ${HOME} $$ $(TOKEN) \\ \ntouch owned # ü --rm $"

func everything() plan.Plan {
	token, password := plan.Hidden(plan.NewSecret("my-token/SECURE_DATA", value)), plan.Hidden(plan.MissingSecret("my.token/key"))
	box := plan.Task{
		Name: "shop/pre/box", Definition: "box", Namespace: "web", Runtime: plan.RuntimeContainer, Origin: plan.Origin{File: "task.yaml", Line: 1}, Stage: "shop/app-pre",
		Labels: plan.Labels{{Key: "a", Value: "1"}}, Annotations: plan.Labels{{Key: "note", Value: "x"}}, TTL: 300 * time.Second,
		Container: plan.Container{
			ServiceAccount: "sa", AutomountToken: new(bool), ImagePullSecrets: []string{"regcred"},
			Name: "c", Image: "busybox:1", Platform: "linux/amd64", PullPolicy: plan.PullAlways,
			Command: plan.Texts([]string{"sh", "-c"}), Args: []plan.Text{plan.Join(plan.Plain("echo $"), token), plan.Plain("$(pwd) $$ $x")}, WorkingDir: "/w", User: "1000:1000",
			Env: []plan.EnvVar{
				{Name: "TOKEN", Value: token}, {Name: "a.b", Value: password}, {Name: "URL", Value: plan.Join(plan.Plain("https://me:"), token, plan.Plain("@x"))},
				{Name: "HOSTNAME", Value: plan.Plain("box"), Origin: plan.Default}, {Name: "NODE", Value: plan.Plain("laptop"), Origin: plan.Origin{Field: "spec.container.env[3].valueFrom.fieldRef"}},
				{Name: "KEPTN_CONTEXT", Value: plan.Plain(`{"workloadName":"","appName":"shop","appVersion":"2","workloadVersion":""}`)},
			},
			Tmpfs:  []plan.Tmpfs{{Name: "cache", Path: "/cache", SizeBytes: 64 << 20}, {Name: "cache", Path: "/read", SubPath: "sub", SizeBytes: 64 << 20, ReadOnly: true}},
			Mounts: []plan.Mount{{Source: "/src,a", Target: "/dst", ReadOnly: true}}, Compose: "shop",
			Limits:   plan.Limits{MemoryBytes: 64 << 20, NanoCPUs: 500_000_000},
			Security: plan.Security{ReadOnlyRootfs: true, NoNewPrivileges: true, Privileged: true, RunAsNonRoot: true, CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}, Seccomp: "Unconfined", UnmaskedProc: true},
			TTY:      true, Stdin: true, Grace: 1500 * time.Millisecond, TerminationMessage: plan.TerminationMessage{Path: "/tmp/m", FallbackToLogs: true},
		},
		Retry: plan.Retry{Limit: 2}, Timeout: 5 * time.Minute,
	}
	script := plan.Task{
		Name: "shop/post/script", Definition: "script", Namespace: "web", Runtime: plan.RuntimePython, Origin: plan.Origin{File: "b.yaml", Line: 1}, Stage: "shop/workload-post", TTL: 300 * time.Second,
		Container: plan.Container{
			Name: "keptn-function-runner", Image: "python:1", PullPolicy: plan.PullIfNotPresent, Network: "none", Limits: plan.Limits{Pids: 4096}, Grace: 5 * time.Second,
			Env:   []plan.EnvVar{{Name: "SECURE_DATA", Value: token}, {Name: "KEPTN_CONTEXT", Value: plan.Plain(`{"workloadName":"shop-api","appName":"shop","appVersion":"","workloadVersion":"3"}`)}},
			Files: []plan.File{{Path: "/var/data/function.py", Mode: 0o644, Content: []byte("print('$x')\n"), ConfigMap: "keptnfn-script"}},
		},
		Timeout: 90 * time.Second,
	}
	return plan.Plan{Tasks: []plan.Task{box, script}, Stages: []plan.Stage{
		{ID: "shop/app-pre", Name: plan.AppPre, App: "shop"},
		{ID: "shop/workload-pre", Name: plan.WorkloadPre, App: "shop", Workload: "shop-api", Needs: []string{"shop/app-pre"}},
		{ID: "shop/workload-post", Name: plan.WorkloadPost, App: "shop", Workload: "shop-api", Needs: []string{"shop/workload-pre"}},
	}}
}

// forms returns a plan in each form.
func forms(t *testing.T, p plan.Plan) map[string][]byte {
	t.Helper()
	compose, err := export.Compose(p)
	if err != nil {
		t.Fatal(err)
	}
	job, err := export.Job(p)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"docker.sh": export.Docker(p), "compose.yaml": compose, "job.yaml": job}
}

func TestGoldens(t *testing.T) {
	for name, got := range forms(t, everything()) {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v (go test -update writes it)", err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs (go test -update rewrites it):\n%s", file, got)
		}
		if bytes.Contains(got, []byte(value)) {
			t.Errorf("%s shows the secret", file)
		}
	}
}

// TestFieldsOfThePod: what a pod has when it runs stays a reference in a Job, also within another value.
func TestFieldsOfThePod(t *testing.T) {
	ip, cpu := plan.FromPod(plan.Field{Path: "status.podIP"}), plan.FromPod(plan.Field{Resource: "limits.cpu", Divisor: "1m"})
	url := plan.Join(plan.Plain("http://"), ip, plan.Plain(":80"))
	c := plan.Container{Name: "c", Image: "b:1", Args: []plan.Text{url, cpu}, Env: []plan.EnvVar{
		{Name: "IP", Value: ip, Origin: plan.Origin{Field: "spec.container.env[0].valueFrom.fieldRef"}}, {Name: "CPU", Value: cpu}, {Name: "URL", Value: url},
	}}
	text, err := export.Job(plan.Plan{Tasks: []plan.Task{{Name: "a", Container: c}}})
	var job batchv1.Job
	if err := errors.Join(err, yaml.UnmarshalStrict(text, &job)); err != nil {
		t.Fatal(err)
	}
	got := job.Spec.Template.Spec.Containers[0]
	if got.Env[0].ValueFrom.FieldRef.FieldPath != "status.podIP" || got.Env[1].ValueFrom.ResourceFieldRef.Resource != "limits.cpu" ||
		got.Env[1].ValueFrom.ResourceFieldRef.Divisor.String() != "1m" || got.Env[2].Value != "http://$(IP):80" {
		t.Errorf("the variables are %+v", got.Env)
	}
	if want := []string{"http://$(IP):80", "$(CPU)"}; !slices.Equal(got.Args, want) {
		t.Errorf("the arguments are %q, want %q", got.Args, want)
	}
	if bytes.Contains(text, []byte("of this machine")) {
		t.Errorf("a comment says that the value is of this machine:\n%s", text)
	}
}

// ofHostile is a plan with a hostile text in every place that takes one, and the refs of its secrets.
func ofHostile() plan.Plan {
	secret := plan.Hidden(plan.NewSecret("a'$(touch owned)}/key", value))
	return plan.Plan{Tasks: []plan.Task{{
		Name: hostile, Definition: "d", Namespace: "default", Runtime: plan.RuntimeContainer, Origin: plan.Origin{File: hostile, Line: 1},
		Container: plan.Container{
			Name: "c", Image: "--privileged", Command: plan.Texts([]string{hostile, ""}), Args: []plan.Text{plan.Join(plan.Plain(hostile), secret, plan.Plain(hostile))}, WorkingDir: hostile,
			Env:    []plan.EnvVar{{Name: "PLAIN", Value: plan.Plain(hostile)}, {Name: "SECRET", Value: plan.Join(secret, plan.Plain(hostile))}},
			Files:  []plan.File{{Path: "/f", Mode: 0o600, Content: []byte(hostile)}},
			Mounts: []plan.Mount{{Source: "/" + hostile, Target: "/t\"u"}},
		},
	}}}
}

// TestDockerIsQuoted has a shell read the commands, with a program in place of docker that prints what it gets: nothing else may run.
// What the real docker does with the arguments is tested in integration/e2e.
func TestDockerIsQuoted(t *testing.T) {
	dir := t.TempDir()
	const docker = "#!/bin/sh\nfor a; do printf '%s\\0' \"$a\"; done; printf 'SECRET=%s\\0' \"$SECRET\"; for a; do case $a in *,target=/f,readonly) f=${a#*source=}; cat \"${f%,target*}\";; esac; done\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(docker), 0o755); err != nil {
		t.Fatal(err)
	}
	p := ofHostile()
	for _, shell := range []string{"sh", "bash"} {
		run := func(extra ...string) (string, error) {
			cmd := exec.Command(shell)
			cmd.Dir, cmd.Stdin = t.TempDir(), bytes.NewReader(export.Docker(p))
			cmd.Env = append(append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "TMPDIR="+t.TempDir()), extra...)
			out, err := cmd.Output()
			if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
				t.Errorf("%s: something else ran: %v", shell, left)
			}
			return string(out), err
		}
		if out, err := run(); err == nil || out != "" {
			t.Errorf("%s runs docker without the secret: %v %q", shell, err, out)
		}
		out, err := run("SECRET_A___TOUCH_OWNED___KEY=" + value)
		if err != nil {
			t.Fatalf("%s: %v\n%s", shell, err, export.Docker(p))
		}
		got := strings.Split(out, "\x00")
		for _, want := range []string{
			"--workdir=" + hostile, "--env=PLAIN=" + hostile, "--env=SECRET", "SECRET=" + value + hostile, "--entrypoint=" + hostile,
			`--mount=type=bind,"source=/` + strings.ReplaceAll(hostile, `"`, `""`) + `","target=/t""u"`,
		} {
			if !slices.Contains(got, want) {
				t.Errorf("%s: no argument %q in %q", shell, want, got)
			}
		}
		i := slices.Index(got, "--")
		if rest := got[i:]; i < 0 || rest[1] != "--privileged" || rest[2] != "" || rest[3] != hostile+value+hostile || rest[5] != hostile {
			t.Errorf("%s: image, arguments and file are %q", shell, got)
		}
	}
}

// TestComposeLoads has Docker Compose's own library read the file.
func TestComposeLoads(t *testing.T) {
	load := func(p plan.Plan, variables map[string]string) *types.Project {
		project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
			WorkingDir: t.TempDir(), ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: forms(t, p)["compose.yaml"]}}, Environment: variables,
		}, func(o *loader.Options) { o.SetProjectName("x", true) })
		if err != nil {
			t.Fatalf("%v\n%s", err, forms(t, p)["compose.yaml"])
		}
		return project
	}
	project := load(everything(), map[string]string{"SECRET_MY_TOKEN_SECURE_DATA": value, "SECRET_MY_TOKEN_KEY": "k"})
	box, script := project.Services["shop-pre-box"], project.Services["shop-post-script"]
	if url := box.Environment["URL"]; url == nil || *url != "https://me:"+value+"@x" || box.Command[1] != "$(pwd) $$ $x" || box.Command[0] != "echo $"+value {
		t.Errorf("box: %+v", box)
	}
	if script.DependsOn["shop-pre-box"].Condition != types.ServiceConditionCompletedSuccessfully || project.Configs["shop-post-script-file-1"].Content != "print('$x')\n" {
		t.Errorf("script: %+v %+v", script, project.Configs)
	}
	p := ofHostile()
	p.Tasks[0].Container.User, p.Tasks[0].Container.Security.CapDrop = "$UID:${GID}", []string{"$CAP"}
	for _, s := range load(p, map[string]string{"SECRET_A___TOUCH_OWNED___KEY": value}).Services {
		if *s.Environment["PLAIN"] != hostile || s.Command[0] != hostile+value+hostile || s.Entrypoint[0] != hostile || s.WorkingDir != hostile || s.User != "$UID:${GID}" || s.CapDrop[0] != "$CAP" {
			t.Errorf("%+v", s)
		}
	}
	p.Tasks[0].Container.Files[0].Content = []byte("\xff")
	if _, err := export.Compose(p); err == nil {
		t.Error("a file that is not text is lost")
	}
}

// TestJobDecodes decodes the objects as strictly as an API server does.
func TestJobDecodes(t *testing.T) {
	for _, p := range []plan.Plan{everything(), ofHostile()} {
		jobs := 0
		for document := range bytes.SplitSeq(forms(t, p)["job.yaml"], []byte("\n---\n")) {
			var into any
			switch {
			case bytes.Contains(document, []byte("kind: Job\n")):
				into, jobs = &batchv1.Job{}, jobs+1
			case bytes.Contains(document, []byte("kind: Secret\n")):
				into = &corev1.Secret{}
			default:
				into = &corev1.ConfigMap{}
			}
			if err := yaml.UnmarshalStrict(document, into); err != nil {
				t.Errorf("%v\n%s", err, document)
			}
		}
		if jobs != len(p.Tasks) {
			t.Errorf("%d jobs for %d tasks", jobs, len(p.Tasks))
		}
	}
}

// TestDockerIsNotSteered has variables with a secret that change what the docker command does. They must not be in its environment.
func TestDockerIsNotSteered(t *testing.T) {
	text := func(name string) string {
		env := []plan.EnvVar{{Name: name, Value: plan.Join(plan.Plain("x"), plan.Hidden(plan.NewSecret("s/k", value)))}}
		return string(export.Docker(plan.Plan{Tasks: []plan.Task{{Name: "a", Container: plan.Container{Image: "i", Env: env}}}}))
	}
	for name, steers := range map[string]bool{
		"DOCKER_HOST": true, "docker_config": true, "PATH": true, "LD_PRELOAD": true, "HTTP_PROXY": true, "https_proxy": true, "HOME": true, "GODEBUG": true, "SSL_CERT_FILE": true,
		"TOKEN": false, "SECURE_DATA": false, "SSH_KEY": false, "GOOD": false, "SSH_AUTH_SOCK": true, "MY_PATH": false, "HOMES": false,
	} {
		if got := strings.Contains(text(name), name+"=x\"${SECRET_S_K:?Secret s/k}\" docker run"); got == steers {
			t.Errorf("%s:\n%s", name, text(name))
		}
		if want := "--env=" + name + "="; steers != strings.Contains(text(name), want) {
			t.Errorf("%s: %q\n%s", name, want, text(name))
		}
	}
}
