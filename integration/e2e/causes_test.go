package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// failing is a task that does not pass, and what ktask has to say of it. LINE stands for the line of the manifest that
// holds the comment HERE of the task, CALL for that with CALL.
type failing struct {
	name string
	// spec is the content of "spec:" in the definition.
	spec   string
	status string
	reason string
	says   string
	fix    string
}

// contained is the spec of a container task; extra lines go into its container.
func contained(command string, extra ...string) string {
	text := "  container:\n    name: c\n    image: busybox:1.36.1\n    command: " + command + "\n"
	for _, line := range extra {
		text += "    " + line + "\n"
	}
	return text
}

// judged runs all tasks in one run and holds the result and the explanation of each against it.
func judged(t *testing.T, tasks []failing, args ...string) {
	t.Helper()
	var all []string
	for _, c := range tasks {
		all = append(all, definition(c.name, c.spec))
	}
	dir := t.TempDir()
	file, report := filepath.Join(dir, "task.yaml"), filepath.Join(dir, "report.json")
	text := strings.Join(all, "---\n")
	write(t, file, text)
	args = append([]string{"run", "-o", "plain", "-j", "2", "--image", anyBusybox, "--report", report}, append(args, file)...)
	o := ktask(t, "", args...)
	if o.code == 0 {
		t.Fatalf("ktask is content\n%s", o.stderr)
	}
	var result struct {
		Tasks []struct{ Name, Status, Reason, Message string }
	}
	if err := json.Unmarshal([]byte(readFile(t, report)), &result); err != nil {
		t.Fatalf("%v\n%s", err, o.stderr)
	}
	for i, c := range tasks {
		t.Run(c.name, func(t *testing.T) {
			says := c.says
			for _, mark := range []string{"LINE", "CALL"} {
				comment := map[string]string{"LINE": "HERE " + c.name, "CALL": "CALL " + c.name}[mark]
				before, _, _ := strings.Cut(text, comment)
				says = strings.ReplaceAll(says, mark, fmt.Sprintf("%s:%d", file, 1+strings.Count(before, "\n")))
			}
			got := result.Tasks[i]
			if got.Name != c.name || got.Status != c.status || got.Reason != c.reason || !strings.Contains(got.Message, says) {
				t.Errorf("%s %s %s %q\nwant %s %s %q", got.Name, got.Status, got.Reason, got.Message, c.status, c.reason, says)
			}
			explanation := explained(o.stderr, c.name)
			first, _, _ := strings.Cut(says, "\n")
			if !strings.Contains(explanation, first) || strings.Contains(explanation, "["+c.reason+"]") != (c.reason != "BackoffLimitExceeded") || !strings.Contains(explanation, "  fix: "+c.fix) && c.fix != "" {
				t.Errorf("stderr tells\n%s\nwant in it\n%s [%s]\nfix: %s", explanation, says, c.reason, c.fix)
			}
		})
	}
}

// explained returns the explanation of a task below the closing table.
func explained(stderr, task string) string {
	_, text, _ := strings.Cut(stderr, "\n\n"+task+": ")
	text, _, _ = strings.Cut(text, "\n\n")
	return text
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestScriptCauses maps what the real interpreters say to the lines of the manifest.
func TestScriptCauses(t *testing.T) {
	const failed, keptns = "failed", "BackoffLimitExceeded"
	mapped := `  python:
    configMapRef: {name: code}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: code}
data:
  other: x
  code: |

    x = 1

    raise ValueError(x) # HERE map
`
	judged(t, []failing{
		{"env", inline("deno", "const a = 1;\n\nDeno.env.get('HOME'); // HERE env"), failed, "PermissionDenied",
			`exit code 1: LINE: NotCapable: Requires env access to "HOME" (--allow-env, which Keptn's deno runtime does not give)`, "it has --allow-net, --allow-read, --allow-write and --allow-env=DATA,SECURE_DATA,KEPTN_CONTEXT"},
		{"sub", inline("deno", "new Deno.Command('ls').outputSync(); // HERE sub"), failed, "PermissionDenied", `LINE: NotCapable: Requires run access to "ls" (--allow-run`, "it has --allow-net"},
		{"throws", inline("deno", "function f(x: number) {\n  throw new Error('boom ' + x); // HERE throws\n}\n\nf(1); // CALL throws"), failed, keptns, "exit code 1: LINE: Error: boom 1\ncalled from CALL", ""},
		{"ts", inline("deno", "const a = 1;\nlet = ; // HERE ts"), failed, keptns, "exit code 1: LINE: SyntaxError: Expression expected", ""},
		{"lodash", inline("deno", "import _ from 'lodash'; // HERE lodash\n_();"), failed, "ModuleNotFound", `LINE: Import "lodash" not a dependency`, "a task is a single file"},
		{"os", inline("python", "import sys\ndef f():\n    return os.getcwd() # HERE os\n\nf() # CALL os"), failed, keptns, "exit code 1: LINE: NameError: name 'os' is not defined\ncalled from CALL", "add: import os"},
		{"py", inline("python", "import sys\nif True # HERE py\n    print(1)"), failed, keptns, "exit code 1: LINE: SyntaxError: expected ':'", ""},
		{"numpy", inline("python", "import numpy # HERE numpy"), failed, "ModuleNotFound", "exit code 1: LINE: ModuleNotFoundError: No module named 'numpy'", "Keptn's python runtime has the standard library, requests, yaml and git"},
		{"library", inline("python", "import json\njson.loads('{') # HERE library"), failed, keptns, "exit code 1: LINE: json.decoder.JSONDecodeError: ", ""},
		{"quota", inline("python", "import sys\nopen('/dev/termination-log', 'w').write('quota exceeded')\nsys.exit(3)"), failed, keptns, "exit code 3: quota exceeded", ""},
		{"map", mapped, failed, keptns, "exit code 1: LINE: ValueError: 1", ""},
		{"quoted", "  python:\n    inline:\n      code: \"x = 1\\nraise ValueError('HERE quoted')\"\n", failed, keptns, "exit code 1: LINE (line 2 of the code): ValueError: ", ""},
		{"folded", "  python:\n    inline:\n      code: > # HERE folded\n        x = 1\n\n        raise ValueError(3)\n", failed, keptns, "exit code 1: LINE (line 2 of the code): ValueError: 3", ""},
	})
}

// foreign begins like a program of an architecture that no engine has.
const foreign = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xff\x00\x01\x00\x00\x00"

func TestContainerCauses(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	write(t, program, foreign+strings.Repeat("\x00", 64))
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	const failed, keptns = "failed", "BackoffLimitExceeded"
	cache := "volumeMounts: [{name: cache, mountPath: /cache}]"
	long := make([]string, 17)
	for i := range long {
		long[i] = fmt.Sprintf("{name: V%d, value: %s}", i, strings.Repeat("x", 130_000))
	}
	judged(t, []failing{
		// The timeout covers the start on a busy engine. The task is the first one, so that the others run at the same time.
		{"late", contained("[sh, -c, 'trap \"\" TERM; sleep 600']") + "  timeout: 20s # HERE late\n", "timed-out", "DeadlineExceeded", "timed out after 20s (LINE spec.timeout); it did not end on the stop signal and was killed after its grace of 1s", "raise spec.timeout, or give a longer --timeout"},
		{"tool", contained("[sh, -c, nosuchtool --now]"), failed, "CommandNotFound", `exit code 127: command "nosuchtool" was not found`, "correct its name, or use an image that has it"},
		{"script", contained("[sh, -c, ./nosuch.sh]"), failed, "CommandNotFound", `exit code 127: "./nosuch.sh" was not found, or the interpreter`, "correct its name"},
		{"plain", contained("[sh, -c, touch /tmp/x; /tmp/x]"), failed, "CommandNotRunnable", `exit code 126: "/tmp/x" cannot be executed: permission denied`, "make the file executable (chmod +x)"},
		{"command", contained("[nosuchtool, --now] # HERE command"), failed, "CommandNotFound", `exit code 127: command "nosuchtool" is not in the image`, "correct the command ("},
		{"long", contained("[sh, -c, 'echo ran']", "env: ["+strings.Join(long, ", ")+"]"), failed, "ArgumentsTooLong", `exit code 126: command "sh" cannot be executed: the environment (2159 KiB) and`, "pass fewer or shorter values (envFrom passes every key"},
		{"list", contained("[sh, -c, 'x=$(head -c 130000 /dev/zero | tr \"\\0\" x); echo() { /bin/echo \"$@\"; }; echo $x $x $x $x $x $x $x $x $x $x $x $x $x $x $x $x $x']"), failed, "ArgumentsTooLong", `exit code 126: "/bin/echo" cannot be executed`, "pass fewer arguments at a time"},
		{"dir", contained("[echo, ran]", "workingDir: /etc/passwd"), "errored", "WorkingDirUnusable", `the working directory "/etc/passwd" cannot be used: not a directory`, "set workingDir to a directory"},
		{"data", contained("[/etc/passwd]"), failed, "CommandNotRunnable", `exit code 126: command "/etc/passwd" cannot be executed`, "make the file executable (chmod +x)"},
		{"foreign", contained("[/program]"), failed, "WrongArchitecture", `exit code 126: command "/program" is built for another architecture`, "use an image for the engine's architecture, or name another platform with --platform"},
		// Docker 20.10 misses an OOM kill that comes with the start or with the end of a container.
		{"memory", contained("[sh, -c, 'for i in 1 2 3; do tail /dev/zero; sleep 1; done; exec tail /dev/zero']", "resources:", "  limits:", "    memory: 12Mi # HERE memory"), failed, "OOMKilled", "exit code 137 (SIGKILL): out of memory, the limit is 12Mi (LINE spec.container.resources.limits.memory)", "raise resources.limits.memory"},
		{"root", contained("[sh, -c, 'echo x > /x']", "securityContext: {readOnlyRootFilesystem: true} # HERE root"), failed, "ReadOnlyFileSystem", "exit code 1: /x is on the root file system, which is read-only (LINE spec.container.securityContext)", "write to a volume (volumeMounts), or leave readOnlyRootFilesystem out"},
		{"fixed", contained("[touch, /cache/x]", "volumeMounts:", "- {name: cache, mountPath: /cache, readOnly: true} # HERE fixed"), failed, "ReadOnlyFileSystem", `exit code 1: /cache/x is on volume "cache", which is mounted read-only (LINE spec.container.volumeMounts[0])`, "leave readOnly out of the mount"},
		{"full", contained("[dd, if=/dev/zero, of=/cache/x, bs=64M, count=17]", cache), failed, "VolumeFull", `exit code 1: volume "cache" at /cache is full: its size is 1Gi, as there is no memory limit`, "write less, or set resources.limits.memory"},
		// A device without space says the same as a volume, and needs no second GiB of memory.
		{"nameless", contained("[sh, -c, 'echo x | cat > /dev/full']", cache), failed, keptns, "exit code 1", `either volume "cache" at /cache is full`},
	}, "--mount", program+":/program:ro", "--grace", "1s")
	judged(t, []failing{
		{"forks", contained("[sh, -c, 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait']"), failed, keptns, "exit code 2", "a process could not be started: let the task use less than 8 processes and threads at a time, or allow more with --pids-limit"},
	}, "--pids-limit", "8")
}

// TestImageCauses asks a real registry that has nothing, and one that wants a password.
func TestImageCauses(t *testing.T) {
	open, closed := engines.Registry(t), engines.ClosedRegistry(t, "")
	pulls := func(image string) string {
		return "  container: {name: c, image: '" + image + "', command: ['true']}\n"
	}
	judged(t, []failing{
		{"missing", pulls(open + "/nosuch:1"), "errored", "ImageNotFound", `pull image "` + open + `/nosuch:1"`, "correct the name or the tag of the image"},
		{"forbidden", pulls(closed + "/private:1"), "errored", "ImageUnauthorized", `pull image "` + closed + `/private:1"`, "docker login " + closed},
	})
	judged(t, []failing{
		{"absent", pulls("ktask.local/nosuch:1"), "errored", "ImageNotFound", `image "ktask.local/nosuch:1" is not on the engine, and its pull policy is Never`, "docker pull ktask.local/nosuch:1, or build it, or allow the pull"},
	}, "--pull", "never")
}

// TestEngineLost cuts the connection to the engine while a task runs.
func TestEngineLost(t *testing.T) {
	w := engines.NewWire(t, engines.Machine())
	p := start(t, python("import time\nprint('ready', flush=True)\ntime.sleep(600)"), "run", "--host", w.Host(), "-")
	if !p.stdout.await("ready") {
		t.Fatalf("the task did not start:\n%s", p.stderr)
	}
	w.Cut()
	o := p.end(t).expect(t, 3)
	explanation := explained(o.stderr, "hi")
	for _, want := range []string{"error: ", w.Host(), "[EngineLost]", "fix: when the engine is back"} {
		if !strings.Contains(explanation, want) {
			t.Errorf("stderr does not tell %q:\n%s", want, o.stderr)
		}
	}
	// What nobody could remove over the wire that was cut.
	for _, left := range p.left(t) {
		if err := theEngine(t).Remove(t.Context(), left); err != nil {
			t.Error(err)
		}
	}
}
