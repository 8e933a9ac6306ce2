package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPrintsAndPasses(t *testing.T) {
	o := ktask(t, python("print(1)"), "run", "-").expect(t, 0)
	if o.stdout != "1\n" {
		t.Errorf("stdout %q, want just the task's own line", o.stdout)
	}
}

// TestStdoutIsUnchanged: every byte is forwarded as it is, with or without a line break at the end.
func TestStdoutIsUnchanged(t *testing.T) {
	o := ktask(t, python("import sys\nsys.stdout.buffer.write(bytes(range(256)) * 300 + b'a\\r\\nb\\n\\nend')"), "run", "-o", "plain", "-").expect(t, 0)
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	if want := strings.Repeat(string(all), 300) + "a\r\nb\n\nend"; o.stdout != want {
		t.Errorf("%d bytes of %d, or others; the end is %q", len(o.stdout), len(want), o.stdout[max(0, len(o.stdout)-20):])
	}
}

// TestAttemptsBeginNewLines: also if the attempt before did not end its last line.
func TestAttemptsBeginNewLines(t *testing.T) {
	o := ktask(t, python("import sys\nprint('out', end='')\nprint('err', end='', file=sys.stderr)\nexit(1)", "retries: 1"),
		"run", "-o", "plain", "--backoff-scale", "0.01", "-").expect(t, 1)
	if o.stdout != "out\nout" || !strings.HasPrefix(o.stderr, "err\nktask: ") || strings.Contains(o.stderr, "errerr") {
		t.Errorf("stdout %q, stderr:\n%s", o.stdout, o.stderr)
	}
}

func TestFailureNamesTheExitCode(t *testing.T) {
	o := ktask(t, python("exit(3)"), "run", "-").expect(t, 1)
	if !strings.Contains(o.stderr, "exit code 3") {
		t.Errorf("stderr does not name exit code 3:\n%s", o.stderr)
	}
}

// TestTimeout has a script that would run forever and ignores SIGTERM. Its timeout is long enough for a busy engine to start
// it.
func TestTimeout(t *testing.T) {
	report := filepath.Join(t.TempDir(), "report.json")
	o := ktask(t, python("import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(600)", "timeout: 15s"), "run", "--grace", "1s", "--report", report, "-").expect(t, 4)
	if !strings.Contains(o.stderr, "timed out after 15s") || !strings.Contains(o.stderr, "DeadlineExceeded") {
		t.Errorf("stderr does not tell of the timeout:\n%s", o.stderr)
	}
	var result struct {
		Tasks []struct {
			Attempts []struct{ Status, Signal string }
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, report)), &result); err != nil {
		t.Fatal(err)
	}
	if all := result.Tasks[0].Attempts; len(all) != 1 || all[0].Status != "timed-out" || all[0].Signal != "SIGKILL" {
		t.Errorf("attempts %+v, want one that was killed", all)
	}
}

// TestStopSignalEndsTheScript runs scripts that have no handler for SIGTERM: without an init in the image they would be
// process 1, for which the kernel drops the signal. See "Grace after the stop signal" in docs/fidelity.md.
func TestStopSignalEndsTheScript(t *testing.T) {
	for name, manifest := range map[string]string{
		"python": python("import time\nprint('ready', flush=True)\ntime.sleep(600)"),
		"deno":   definition("deno", inline("deno", "console.log('ready');\nawait new Promise((r) => setTimeout(r, 600_000));")),
	} {
		t.Run(name, func(t *testing.T) {
			report := filepath.Join(t.TempDir(), "report.json")
			p := start(t, manifest, "run", "--grace", "60s", "--report", report, "-")
			p.atWork(t)
			p.signal(t, syscall.SIGINT)
			p.wait(t).expect(t, 130)
			endedBySignal(t, report, "canceled")
		})
	}
}

// endedBySignal checks that SIGTERM ended the one attempt of each task of a report.
func endedBySignal(t *testing.T, report, status string) {
	t.Helper()
	var result struct {
		Tasks []struct {
			Name     string
			Attempts []struct {
				Status, Signal string
				ExitCode       int
			}
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, report)), &result); err != nil {
		t.Fatal(err)
	}
	for _, task := range result.Tasks {
		if all := task.Attempts; len(all) != 1 || all[0].Status != status || all[0].Signal != "SIGTERM" || all[0].ExitCode != 143 {
			t.Errorf("%s: attempts %+v, want one that SIGTERM ended", task.Name, all)
		}
	}
}

// TestStopSignalReachesTheScript holds that a script's own handler for SIGTERM runs within the grace.
func TestStopSignalReachesTheScript(t *testing.T) {
	code := `import signal, sys, time
def stop(*_):
    print("stopping", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(600)`
	p := start(t, python(code), "run", "--grace", "60s", "-")
	p.atWork(t)
	p.signal(t, syscall.SIGINT)
	o := p.wait(t).expect(t, 130)
	if o.stdout != "ready\nstopping\n" {
		t.Errorf("stdout %q: output after the stop signal is missing", o.stdout)
	}
}

func TestRetries(t *testing.T) {
	code := `echo "attempt in $(hostname)"; exit 7`
	task := manifest("container", "    name: c\n    image: busybox:1.36.1\n    command: [sh, -c]\n    args: ['"+code+"']", []string{"retries: 2"})
	o := ktask(t, task, "run", "--image", anyBusybox, "--backoff-scale", "0.01", "-").expect(t, 1)
	if n := strings.Count(o.stdout, "attempt in "); n != 3 {
		t.Errorf("%d attempts, want 3:\n%s", n, o.stdout)
	}
	if !strings.Contains(o.stderr, "attempt 1 of 3 failed: exit code 7") || !strings.Contains(o.stderr, "BackoffLimitExceeded") {
		t.Errorf("stderr does not tell of the attempts:\n%s", o.stderr)
	}
}

func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		name   string
		signal syscall.Signal
		code   int
	}{{"SIGINT", syscall.SIGINT, 130}, {"SIGTERM", syscall.SIGTERM, 143}, {"SIGHUP", syscall.SIGHUP, 129}} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, python("import time\nprint('ready')\ntime.sleep(600)"), "run", "--grace", "300ms", "-")
			if !p.stdout.await("ready") {
				t.Fatalf("the task did not start:\n%s", p.stderr)
			}
			p.signal(t, c.signal)
			o := p.wait(t).expect(t, c.code)
			if !strings.Contains(o.stderr, "canceled") || !strings.Contains(o.stderr, "Interrupted") {
				t.Errorf("stderr does not tell of the interruption:\n%s", o.stderr)
			}
		})
	}
}

// TestSecondInterruptKills: the task has a grace of ten minutes, which the user does not wait for.
func TestSecondInterruptKills(t *testing.T) {
	p := start(t, python("import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: print('ignored', flush=True))\nprint('ready', flush=True)\nwhile True: time.sleep(600)"),
		"run", "--grace", "10m", "-")
	if !p.stdout.await("ready") {
		t.Fatalf("the task did not start:\n%s", p.stderr)
	}
	p.signal(t, syscall.SIGINT)
	if !p.stdout.await("ignored") {
		t.Fatalf("the stop signal did not arrive:\n%s", p.stderr)
	}
	p.signal(t, syscall.SIGINT)
	p.wait(t).expect(t, 130)
}

// TestInterruptWhileOthersWait has more tasks than run at once: those that never started are canceled too.
func TestInterruptWhileOthersWait(t *testing.T) {
	var all []string
	for _, name := range []string{"a", "b", "c"} {
		all = append(all, strings.Replace(python("import time\nprint('ready', flush=True)\ntime.sleep(600)"), "{name: hi}", "{name: "+name+"}", 1))
	}
	p := start(t, strings.Join(all, "---\n"), "run", "-j", "1", "--grace", "300ms", "-")
	if !p.stdout.await("ready") {
		t.Fatalf("the task did not start:\n%s", p.stderr)
	}
	p.signal(t, syscall.SIGINT)
	if o := p.wait(t).expect(t, 130); strings.Count(o.stdout, "ready") != 1 {
		t.Errorf("a task started after the interruption:\n%s", o.stdout)
	}
}

func TestEngineUnavailable(t *testing.T) {
	o := ktask(t, python("print(1)"), "run", "--host", "unix:///nonexistent/engine.sock", "-").expect(t, 3)
	if !strings.Contains(o.stderr, "--host") {
		t.Errorf("stderr does not say what to do:\n%s", o.stderr)
	}
}

func TestImageMissing(t *testing.T) {
	o := ktask(t, python("print(1)"), "run", "--pull", "never", "--python-image", "ktask.local/not-there:dev", "-").expect(t, 3)
	if !strings.Contains(o.stderr, "ktask.local/not-there:dev") || !strings.Contains(o.stderr, "ImageNotFound") {
		t.Errorf("stderr does not name the image:\n%s", o.stderr)
	}
}
