package plan_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const value = "hunter2-and-more"

// TestSecretsNeverPrint formats a secret, and everything that holds one, in every way that Go offers.
func TestSecretsNeverPrint(t *testing.T) {
	secret := plan.NewSecret("token/SECURE_DATA", value)
	text := plan.Join(plan.Plain("https://"), plan.Hidden(secret), plan.Plain("@host"))
	holder := plan.Plan{Tasks: []plan.Task{{Name: "t", Container: plan.Container{
		Args: []plan.Text{text}, Env: []plan.EnvVar{{Name: "A", Value: text}, {Name: "B", Value: plan.Hidden(secret)}},
	}}}}
	for _, v := range []any{secret, &secret, text, &text, []plan.Secret{secret}, map[string]plan.Text{"k": text}, holder, holder.Tasks[0].Container.Env, struct{ S plan.Secret }{secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, value) || strings.Contains(out, fmt.Sprintf("%x", value)) {
				t.Errorf("%s of %T shows the secret: %s", verb, v, out)
			}
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Errorf("JSON of %T: %v", v, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "v", v)
		if all := string(out) + log.String(); strings.Contains(all, value) {
			t.Errorf("JSON or a log of %T shows the secret: %s", v, all)
		}
	}
	if got := text.String(); got != "https://•••@host" {
		t.Errorf("String() = %q", got)
	}
	if got := text.Reveal(); got != "https://"+value+"@host" {
		t.Errorf("Reveal() = %q", got)
	}
	if got := text.Len(); got != len(text.Reveal()) {
		t.Errorf("Len() = %d", got)
	}
	if got := holder.Tasks[0].Container.Secrets(); len(got) != 1 || got[0].Ref() != "token/SECURE_DATA" {
		t.Errorf("Secrets() = %v", got)
	}
}

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		want  string
		parts []string
	}{{"", nil}, {"ab", []string{"a", "", "b"}}, {"a", []string{"a"}}} {
		if got := plan.Join(plan.Texts(c.parts)...).String(); got != c.want {
			t.Errorf("Join(%q) = %q", c.parts, got)
		}
	}
	if plan.Texts(nil) != nil {
		t.Error("Texts(nil) is not nil: an image's own command would be lost")
	}
}

// TestPlanDoesNotPaint: control characters of a manifest are shown, and not sent to the terminal.
func TestPlanDoesNotPaint(t *testing.T) {
	p := plan.Plan{Tasks: []plan.Task{{Name: "t", Container: plan.Container{
		Args: plan.Texts([]string{"\x1b[2J\a"}), Env: []plan.EnvVar{{Name: "E", Value: plan.Plain("a\r\nb\x1b[0m é")}},
	}}}}
	var b strings.Builder
	if err := p.WriteText(&b, plan.TextOptions{Explain: true, Width: 80}); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.ContainsAny(text, "\x1b\a\r") || !strings.Contains(text, `\x1b[2J`) || !strings.Contains(text, "\n      a\\r\n      b\\x1b[0m é\n") {
		t.Errorf("%q", text)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1: "1", 1000: "1000", 1024: "1Ki", 200 << 20: "200Mi", 1 << 30: "1Gi", 1<<30 + 1: "1073741825"} {
		if got := plan.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

// everything is a plan that fills each field.
func everything() plan.Plan {
	secret := plan.Hidden(plan.NewSecret("token/SECURE_DATA", value))
	task := plan.Task{
		Name: "podtato/pre/hello", Definition: "hello", Namespace: "default", Runtime: plan.RuntimeContainer, Origin: plan.Origin{File: "task.yaml", Line: 1}, Stage: "podtato/app-pre",
		Labels: plan.Labels{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}, Annotations: plan.Labels{{Key: "note", Value: "x"}}, TTL: 300 * time.Second,
		Container: plan.Container{
			ServiceAccount: "sa", AutomountToken: new(bool), ImagePullSecrets: []string{"regcred"},
			Name: "c", Image: "busybox:1", ImageOrigin: plan.Origin{File: "task.yaml", Line: 8}, Platform: "linux/amd64", PullPolicy: plan.PullIfNotPresent,
			PullCredentials: []plan.PullCredential{{Secret: "regcred", Auth: plan.NewSecret("regcred", "me:hunter2"), Origin: plan.Origin{File: "secrets.yaml", Line: 1}}},
			Command:         plan.Texts([]string{"sh", "-c"}), Args: []plan.Text{plan.Join(plan.Plain("echo "), secret)}, WorkingDir: "/w", User: "1000:1000",
			Env:    []plan.EnvVar{{Name: "DATA", Value: plan.Plain(`{"a":"<b>"}`), Origin: plan.Origin{File: "task.yaml", Line: 9}, Parts: []plan.Part{{Name: "a", Origin: plan.Flag("param")}}}, {Name: "S", Value: secret, Origin: plan.Origin{File: "s.yaml", Line: 1}}},
			Files:  []plan.File{{Path: "/var/data/function.ts", Mode: 0o444, Content: []byte("x\n"), Origin: plan.Origin{File: "task.yaml", Line: 12}, Line: 13}},
			Tmpfs:  []plan.Tmpfs{{Name: "cache", Path: "/cache", SubPath: "a", SizeBytes: 64 << 20, ReadOnly: true, Origin: plan.Origin{File: "task.yaml", Line: 15}}},
			Mounts: []plan.Mount{{Source: "/src", Target: "/dst", ReadOnly: true, Origin: plan.Flag("mount")}}, Network: "none",
			Limits:   plan.Limits{MemoryBytes: 64 << 20, NanoCPUs: 500_000_000},
			Security: plan.Security{ReadOnlyRootfs: true, NoNewPrivileges: true, RunAsNonRoot: true, CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}, Seccomp: "Unconfined", UnmaskedProc: true},
			TTY:      true, Stdin: true, Grace: 10 * time.Second, TerminationMessage: plan.TerminationMessage{Path: "/tmp/m", FallbackToLogs: true},
			Origins: []plan.Part{{Name: "command", Origin: plan.Origin{File: "task.yaml", Line: 20}}, {Name: "limits.memory", Origin: plan.Origin{File: "task.yaml", Line: 21}}},
		},
		Retry:   plan.Retry{Limit: 2, Origin: plan.Origin{File: "task.yaml", Line: 30}, Backoff: plan.Backoff{Initial: time.Second, Max: 30 * time.Second}},
		Timeout: 5 * time.Minute, TimeoutOrigin: plan.Default, Semantics: plan.Cluster,
	}
	plain := plan.Task{Name: "plain", Definition: "plain", Namespace: "default", Runtime: plan.RuntimeDeno, Origin: plan.Origin{File: "b.yaml", Line: 1}, TTL: 300 * time.Second, Timeout: time.Second, Semantics: plan.Local}
	return plan.Plan{
		Tasks: []plan.Task{task, plain}, Stages: []plan.Stage{{ID: "podtato/app-pre", Name: plan.AppPre, App: "podtato"}}, NonBlocking: true,
		Skipped:  []plan.Skipped{{Name: "x", Reason: "called by y"}},
		Warnings: []plan.Warning{{Origin: plan.Origin{File: "task.yaml", Line: 3, Field: "spec.function"}, Rule: "deprecated", Message: "spec.function is deprecated"}},
	}
}

func TestGoldens(t *testing.T) {
	p := everything()
	compact, err := p.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var indented, text, explained bytes.Buffer
	if err := json.Indent(&indented, compact, "", "  "); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteText(&text, plan.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteText(&explained, plan.TextOptions{Explain: true, Width: 80}); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"plan.json": indented.Bytes(), "plan.txt": text.Bytes(), "explained.txt": explained.Bytes()} {
		file := "testdata/" + name
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
