package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/client"

	"github.com/ktask/ktask/command"
	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// The values of secrets, of each kind.
const (
	oddSecret  = `s3cr3t/+&"é<x>!`
	shortToken = "token-abcd"
	longToken  = "token-abcd-and-more"
	keySecret  = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ\n-----END KEY-----\n"
	jsonSecret = `{"user":"robot-account","nested":[{"password":"pa55/word+é"}]}`
	flagSecret = "hunter2-from-a-flag"
	tinySecret = "q7z"
)

// shows returns the parts of the secrets that are in a text: values, lines and JSON strings, in every form. It has its own list
// of forms, since that of engine/mask is tested.
func shows(text string) (found []string) {
	values := []string{oddSecret, shortToken, longToken, flagSecret, keySecret, jsonSecret, "robot-account", "pa55/word+é"}
	for line := range strings.Lines(keySecret) {
		values = append(values, strings.TrimSpace(line))
	}
	for _, v := range values {
		quoted, _ := json.Marshal(v)
		var plain bytes.Buffer
		e := json.NewEncoder(&plain)
		e.SetEscapeHTML(false)
		_ = e.Encode(v)
		xml := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "é", "&#233;").Replace(v)
		inner := strings.TrimSuffix(strings.TrimPrefix(plain.String(), `"`), "\"\n")
		for _, form := range []string{
			v, string(quoted[1 : len(quoted)-1]), inner, strings.ReplaceAll(inner, "é", `\u00e9`), fmt.Sprintf("%q", v),
			xml, strings.ReplaceAll(xml, `"`, "&quot;"),
			base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(v+"\n")), "="), base64.RawStdEncoding.EncodeToString([]byte(v)),
			base64.StdEncoding.EncodeToString([]byte("me:" + v))[4:],
			url.QueryEscape(v), url.PathEscape(v), strings.ReplaceAll(url.PathEscape(v), "%2F", "/"), strings.ReplaceAll(url.QueryEscape(v), "%2F", "/"),
		} {
			if strings.Contains(text, form) && !slices.Contains(found, form) {
				found = append(found, form)
			}
		}
	}
	return found
}

// hidden fails the test if one of the texts shows a secret, or is empty and so proves nothing.
func hidden(t *testing.T, what string, texts ...string) {
	t.Helper()
	all := strings.Join(texts, "\n")
	if strings.TrimSpace(all) == "" {
		t.Errorf("%s is empty", what)
	}
	for _, form := range shows(all) {
		t.Errorf("%s shows %q:\n%s", what, form, all)
	}
}

// TestShowsSecrets: a test that finds nothing must be able to.
func TestShowsSecrets(t *testing.T) {
	for _, text := range []string{
		oddSecret, longToken, `{"a":"s3cr3t/+&\"\u00e9<x>!"}`, "czNjcjN0LysmIsOpPHg+IQ", "pa55%2Fword%2B%C3%A9", "pa55/word%2B%C3%A9",
		"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj", "pa55/word+&#233;", base64.StdEncoding.EncodeToString([]byte("me:" + flagSecret)),
	} {
		if shows(text) == nil {
			t.Errorf("%q goes unnoticed", text)
		}
	}
}

// secretManifests are Secrets, and tasks that print what they got in every form: at once, byte by byte and in the
// text of an exception.
var secretManifests = `apiVersion: v1
kind: Secret
metadata: {name: odd}
stringData: {SECURE_DATA: ` + fmt.Sprintf("%q", oddSecret) + `}
---
apiVersion: v1
kind: Secret
metadata: {name: several}
data:
  short: ` + base64.StdEncoding.EncodeToString([]byte(shortToken)) + `
  long: ` + base64.StdEncoding.EncodeToString([]byte(longToken)) + `
  key: ` + base64.StdEncoding.EncodeToString([]byte(keySecret)) + `
  json: ` + base64.StdEncoding.EncodeToString([]byte(jsonSecret)) + `
---
` + definition("prints", inline("python", `import base64, html, json, os, sys, urllib.parse
from xml.etree import ElementTree
value = os.environ["SECURE_DATA"]
print("raw", value)
print("json", json.dumps(value), json.dumps(value, ensure_ascii=False))
print("url", urllib.parse.quote(value), urllib.parse.quote_plus(value), urllib.parse.quote(value, safe=""))
element = ElementTree.Element("a", {"b": value})
element.text = value
print("xml", ElementTree.tostring(element).decode(), html.escape(value).encode("ascii", "xmlcharrefreplace").decode())
print("base64", base64.b64encode(value.encode()).decode(), base64.urlsafe_b64encode(value.encode()).decode())
print("basic", base64.b64encode(b"me:" + value.encode()).decode())
for byte in value.encode():
    os.write(2, bytes([byte]))
os.write(2, b" <- byte by byte\n")
raise ValueError("cannot log in with " + value)`, "secureParameters: {secret: odd}")) + `---
` + definition("contained", `  container:
    name: c
    image: busybox:1.36.1
    command: [sh, -c, 'printf "%s|" "$SHORT" "$LONG" "$KEY" "$JSON" "$1"; echo; echo "$1" >/tmp/message; echo "sh: $1: not found" >&2; exit 127', sh]
    args: [a$(LONG)b]
    terminationMessagePath: /tmp/message
    env:
    - {name: SHORT, valueFrom: {secretKeyRef: {name: several, key: short}}}
    - {name: LONG, valueFrom: {secretKeyRef: {name: several, key: long}}}
    - {name: KEY, valueFrom: {secretKeyRef: {name: several, key: key}}}
    - {name: JSON, valueFrom: {secretKeyRef: {name: several, key: json}}}
    - {name: DERIVED, value: "with $(JSON)"}
`) + `---
` + definition("flagged", inline("deno", "console.log('it is', Deno.env.get('SECURE_DATA'), btoa(Deno.env.get('SECURE_DATA')));\nthrow new Error(Deno.env.get('SECURE_DATA'));", "secureParameters: {secret: given}"))

func definition(name, spec string) string {
	return fmt.Sprintf("apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: %s}\nspec:\n%s", name, spec)
}

// TestSecretsNeverShow searches all output of runs and plans.
func TestSecretsNeverShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tasks.yaml")
	write(t, file, secretManifests)
	for _, output := range []string{"plain", "json", "live", "github", "quiet"} {
		t.Run("run "+output, func(t *testing.T) {
			dir := t.TempDir()
			o := ktask(t, "", "run", "--image", anyBusybox, "--secret", "given="+flagSecret, "-o", output, "--timestamps",
				"--junit", dir+"/junit.xml", "--report", dir+"/report.json", "--html", dir+"/page.html", file).expect(t, 1)
			hidden(t, "the run", o.stdout, o.stderr)
			for _, name := range []string{"junit.xml", "report.json", "page.html"} {
				text := readFile(t, dir+"/"+name)
				hidden(t, name, text)
				if !strings.Contains(text, "cannot log in with "+plan.Mask) {
					t.Errorf("%s does not tell of the exception:\n%s", name, text)
				}
			}
			if want := "raw " + plan.Mask; output == "plain" && (!strings.Contains(o.stdout, want) || !strings.Contains(o.stderr, plan.Mask+" <- byte by byte")) {
				t.Errorf("the masks are missing:\n%s%s", o.stdout, o.stderr)
			}
		})
	}
	for _, args := range [][]string{
		{"plan"}, {"plan", "--explain"}, {"plan", "-o", "json"}, {"plan", "-o", "yaml"}, {"plan", "-o", "json", "--explain"},
	} {
		o := atTerminal(t, "", append(args, "--secret", "given="+flagSecret, file)...).expect(t, 0)
		hidden(t, strings.Join(args, " "), o.stdout, o.stderr)
		if !strings.Contains(o.stdout, plan.Mask) {
			t.Errorf("%v has no mask:\n%s", args, o.stdout)
		}
	}
	o := atTerminal(t, "", "list", file).expect(t, 0)
	hidden(t, "list", o.stdout, o.stderr)
	for _, output := range []string{"text", "json", "github", "sarif"} {
		o := atTerminal(t, "", "validate", "-o", output, file).expect(t, 0)
		hidden(t, "validate -o "+output, o.stdout, o.stderr) // there is a warning
	}
}

// TestTooShortSecretsAreTold: what cannot be masked is said.
func TestTooShortSecretsAreTold(t *testing.T) {
	task := python("import os\nprint('it is', os.environ['SECURE_DATA'])") + "    secureParameters: {secret: tiny}\n"
	o := ktask(t, task, "run", "-o", "plain", "--secret", "tiny="+tinySecret, "-").expect(t, 0)
	if want := "ktask: warning: secret tiny/SECURE_DATA is too short to hide: it will appear in the output\n"; !strings.Contains(o.stderr, want) {
		t.Errorf("stderr does not warn:\n%s", o.stderr)
	}
	if o.stdout != "it is "+tinySecret+"\n" {
		t.Errorf("stdout %q: only the secret itself may be changed, and not where it is short", o.stdout)
	}
	if strings.Contains(o.stderr, tinySecret) {
		t.Errorf("ktask itself shows the secret:\n%s", o.stderr)
	}
}

// TestSecretsInBrokenManifests has manifests with a secret in the very place that is wrong; on a terminal ktask shows
// that line.
func TestSecretsInBrokenManifests(t *testing.T) {
	secret := func(rest string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n" + rest
	}
	long := base64.StdEncoding.EncodeToString([]byte(longToken))
	for name, text := range map[string]string{
		"not base64":         secret("data: {SECURE_DATA: " + flagSecret + "!}\n"),
		"not a string":       secret("stringData: {SECURE_DATA: {a: " + flagSecret + "}}\n"),
		"a list":             secret("data: [" + long + "]\n"),
		"text for data":      secret("data: " + flagSecret + "\n"),
		"an unknown field":   secret("datum: {SECURE_DATA: " + flagSecret + "}\n"),
		"twice":              secret("stringData: {SECURE_DATA: " + flagSecret + ", SECURE_DATA: " + longToken + "}\n"),
		"broken YAML":        secret("stringData:\n  SECURE_DATA: \"" + flagSecret + "\n"),
		"broken indentation": secret("stringData:\n  SECURE_DATA: " + flagSecret + "\n   other: " + longToken + "\n"),
		"a tab":              secret("stringData:\n\tSECURE_DATA: " + flagSecret + "\n"),
		"an unknown alias":   secret("stringData: {SECURE_DATA: *" + flagSecret + "}\n"),
		"an unknown tag":     secret("stringData: {SECURE_DATA: !" + flagSecret + " x}\n"),
		"the wrong version":  "apiVersion: v2\nkind: Secret\nmetadata: {name: s}\nstringData: {SECURE_DATA: " + flagSecret + "}\n",
		"no name":            "apiVersion: v1\nkind: Secret\nstringData: {SECURE_DATA: " + flagSecret + "}\n",
		"JSON":               `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"SECURE_DATA":"` + flagSecret + `",}`,
	} {
		t.Run(name, func(t *testing.T) {
			user := definition("hi", inline("python", "print(1)", "secureParameters: {secret: s}")) + "---\n"
			for _, manifest := range []string{text, user + text} {
				for _, args := range [][]string{{"validate"}, {"validate", "-o", "json"}, {"validate", "-o", "sarif"}, {"validate", "-o", "github"}, {"plan"}, {"run"}, {"list"}} {
					o := atTerminal(t, manifest, append(args, "-")...)
					// The fault of a Secret that nothing uses is a warning, and kubectl accepts a key that is given twice.
					switch runs := args[0] == "plan" || args[0] == "run"; {
					case runs && manifest != text && name != "twice":
						o.expect(t, 2)
					case o.code != 0 && o.code != 2 && name != "twice": // its run fails for the image of python tasks
						t.Errorf("%s: exit code %d", args, o.code)
					}
					hidden(t, strings.Join(args, " "), o.stdout, o.stderr)
				}
			}
		})
	}
}

// TestSecretsInWrongUsage has secrets in flags that are wrong.
func TestSecretsInWrongUsage(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		name := filepath.Join(dir, fmt.Sprintf("%x", len(text)))
		write(t, name, text)
		return name
	}
	task := python("print(1)")
	for _, flags := range [][]string{
		{"--secret", flagSecret}, {"--secret", "=" + flagSecret}, {"--secret", "name/=" + flagSecret},
		{"--secret", "name=" + flagSecret + "\x00"}, {"--secret", "a=@/nonexistent", "--secret", "b=" + flagSecret},
		{"--secret", "a=env:NOT_THERE_AT_ALL", "--secret", "b=" + flagSecret},
		{"--secrets", "name=" + flagSecret}, {"--secret", "name=" + flagSecret, "--no-such-flag"},
		{"--secret-file", file("a=b\n" + flagSecret + "\n")}, {"--secret-file", file("kind: Secret\n" + flagSecret + ": [\n")},
		{"--secret-file", file("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {SECURE_DATA: " + flagSecret + "!}\n")},
	} {
		for _, sub := range []string{"run", "plan"} {
			o := atTerminal(t, task, append(append([]string{sub}, flags...), "-")...).expect(t, 2)
			hidden(t, sub+" "+flags[0], o.stdout, o.stderr)
		}
	}
	for sub, code := range map[string]int{"run": 3, "plan": 0} { // a secret that no task wants is none of them
		o := atTerminal(t, task, sub, "--secret", "unused="+flagSecret, "-").expect(t, code)
		hidden(t, sub+" with an unused secret", o.stdout, o.stderr)
	}
}

// atTerminal calls ktask in this process, without an engine, as if its stderr were a terminal.
func atTerminal(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	app := command.App{
		In: strings.NewReader(stdin), Out: &stdout, Err: &stderr, ErrTerminal: true, Version: "v0-test",
		NewEngine: func(local.EngineOptions) (engine.Engine, error) { return nil, errors.New("no engine in this test") },
	}
	code := command.Main(t.Context(), app, args)
	return outcome{code: code, stdout: stdout.String(), stderr: stderr.String()}
}

// TestSecretsOnTheEngine looks at a container while it runs: its environment has the secret, and nothing else may.
func TestSecretsOnTheEngine(t *testing.T) {
	task := python("import time\nprint('ready', flush=True)\ntime.sleep(600)") + "    secureParameters: {secret: given}\n"
	p := start(t, task, "run", "--secret", "given="+flagSecret, "--grace", "100ms", "-")
	if !p.stdout.await("ready") {
		t.Fatalf("the task did not start:\n%s", p.stderr)
	}
	c, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	seen := 0
	for _, one := range p.left(t) {
		if one.Kind != "container" {
			continue
		}
		seen++
		found, raw, err := c.ContainerInspectWithRaw(context.Background(), one.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		env, _ := json.Marshal(found.Config.Env)
		rest := bytes.ReplaceAll(raw, env, nil)
		if len(shows(string(env))) == 0 || len(rest) == len(raw) {
			t.Errorf("the environment is not where this test looks for it: %s", raw)
		}
		hidden(t, "the inspected container", string(rest))
	}
	if seen != 1 {
		t.Errorf("%d containers of this ktask, want 1", seen)
	}
	p.signal(t, syscall.SIGINT)
	o := p.wait(t).expect(t, 130)
	hidden(t, "the interrupted run", o.stdout, o.stderr)
}

// TestSecretsInACrash has a reporter that panics with all it knows.
func TestSecretsInACrash(t *testing.T) {
	secret := plan.NewSecret("odd/SECURE_DATA", oddSecret)
	p := plan.Plan{Tasks: []plan.Task{{
		Name: "t", Timeout: time.Minute, Container: plan.Container{
			Image: busyboxImage, PullPolicy: plan.PullNever,
			Command: []plan.Text{plan.Plain("sh"), plan.Plain("-c"), plan.Plain(`echo "$SECRET"`)},
			Env:     []plan.EnvVar{{Name: "SECRET", Value: plan.Hidden(secret)}},
		},
	}}}
	sink := engine.SinkFunc(func(e engine.Event) {
		if line, ok := e.(engine.OutputLine); ok {
			panic(fmt.Sprintf("%v %+v %#v %+v %#v", line, line, line, p, p))
		}
	})
	_, err := engine.Runner{Engine: theEngine(t), Sink: sink, RunID: fmt.Sprintf("%s-%d", t.Name(), os.Getpid())}.Run(t.Context(), p)
	failure, ok := errors.AsType[*engine.SinkPanicError](err)
	if !ok {
		t.Fatalf("error %v, want that of the sink", err)
	}
	hidden(t, "the crash", failure.Error(), string(failure.Stack), fmt.Sprintf("%+v %#v", failure, failure))
	if !strings.Contains(failure.Error(), plan.Mask) {
		t.Errorf("the crash does not tell of the line: %v", failure)
	}
}
