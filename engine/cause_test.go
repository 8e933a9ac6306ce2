package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
)

// ended is a task that wrote lines to stderr and exited.
type ended struct {
	task  plan.Task
	exit  engine.Exit
	lines []string

	reason  engine.Reason // of the task
	attempt engine.Reason // of the attempt; the task's where it is ""
	message string
	remedy  string
	place   plan.Origin
}

func (e ended) check(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var output []enginetest.Line
		for _, line := range e.lines {
			output = append(output, enginetest.Err(line))
		}
		fake := &enginetest.Fake{Tasks: map[string]attempts{"t": {{Output: output, Exit: e.exit}}}}
		result, recorder := play(t, t.Context(), engine.Runner{Engine: fake}, e.task)
		got := result.Tasks[0]
		if e.attempt == "" && e.reason != engine.BackoffLimitExceeded {
			e.attempt = e.reason
		}
		if got.Status != engine.Failed || got.Reason != e.reason || got.Attempts[0].Reason != e.attempt {
			t.Errorf("%s %s, the attempt %s; want failed %s, %s", got.Status, got.Reason, got.Attempts[0].Reason, e.reason, e.attempt)
		}
		if got.Message != e.message || got.Remedy != e.remedy || got.Place != e.place {
			t.Errorf("message %q\nremedy  %q\nplace   %q\nwant    %q\n        %q\n        %q", got.Message, got.Remedy, got.Place, e.message, e.remedy, e.place)
		}
		for i, line := range recorder.Lines("t", engine.Stderr) {
			if line != strings.TrimSuffix(e.lines[i], "\r") { // part of the line break
				t.Errorf("line %d of the output became %q", i, line)
			}
		}
	})
}

// script is a function task whose code begins in line 31 of its manifest.
func script(runtime plan.Runtime, path string) plan.Task {
	s := task("t")
	s.Runtime = runtime
	s.Container.Files = []plan.File{{Path: path, Origin: "task.yaml:30 spec." + plan.Origin(runtime) + ".inline.code", Line: 31}}
	return s
}

const (
	pythonHas = "Keptn's python runtime has the standard library, requests, yaml and git (GitPython) alone: use a container task with an image of your own for more"
	denoHas   = "it has --allow-net, --allow-read, --allow-write and --allow-env=DATA,SECURE_DATA,KEPTN_CONTEXT; "
	denoFrom  = "without it deno imports from deno.land, jsr.io, esm.sh, cdn.jsdelivr.net, and githubusercontent.com's raw and gist alone; a container task can do more"
	denoLoads = "a task is a single file: import by URL, or by a specifier that begins with npm: or jsr:"
	asUser    = "Keptn's runtimes run a script as user 1000: write below /tmp"
	asNobody  = "Keptn's runtimes run a script as user 1000, who may not do this; what is to be written goes below /tmp"
)

// TestScriptEnds reads what the real runtimes wrote (testdata/ends) when scripts ended that begin in line 31.
func TestScriptEnds(t *testing.T) {
	const ours, keptns = engine.ScriptFailed, engine.BackoffLimitExceeded
	for name, want := range map[string]ended{
		"py-name":             {reason: keptns, attempt: ours, message: "task.yaml:33: NameError: name 'os' is not defined\ncalled from task.yaml:35", remedy: "add: import os"},
		"py-syntax":           {reason: keptns, attempt: ours, message: "task.yaml:32: SyntaxError: expected ':'"},
		"py-indent":           {reason: keptns, attempt: ours, message: "task.yaml:33: IndentationError: expected an indented block after 'if' statement on task.yaml:32"},
		"py-import":           {reason: engine.ModuleNotFound, message: "task.yaml:31: ModuleNotFoundError: No module named 'numpy'", remedy: pythonHas},
		"py-chain":            {reason: keptns, attempt: ours, message: "task.yaml:34: ValueError: x"},
		"py-formatexc":        {reason: keptns, attempt: ours, message: "task.yaml:36: RuntimeError: wrapped: …\ncalled from task.yaml:37\nin it: task.yaml:34: KeyError: 'inner'"},
		"py-deep":             {reason: keptns, attempt: ours, message: "task.yaml:32: requests.exceptions.ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=1): Max retries exceeded with url: / (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7fd12e556110>: Failed to establish a new connection: [Errno 111] Connection refused'))"},
		"py-key":              {reason: keptns, attempt: ours, message: "task.yaml:32: KeyError: 'DATA'", remedy: "DATA is set where there are parameters: give spec.python.parameters.map, or --param NAME=VALUE"},
		"py-formatchain":      {reason: keptns, attempt: ours, message: "task.yaml:40: RuntimeError: x: …\nin it: task.yaml:36: ValueError: middle"},
		"py-dictkey":          {reason: keptns, attempt: ours, message: "task.yaml:32: KeyError: 'DATA'"},
		"py-rec":              {reason: keptns, attempt: ours, message: "task.yaml:32: RecursionError: maximum recursion depth exceeded\ncalled from task.yaml:32, from task.yaml:33"},
		"py-mutual":           {reason: keptns, message: "the last traceback: task.yaml:32: RecursionError: maximum recursion depth exceeded\ncalled from task.yaml:34, from task.yaml:32, from task.yaml:34", place: "task.yaml:32"},
		"py-perm":             {reason: engine.PermissionDenied, message: "task.yaml:31: PermissionError: [Errno 13] Permission denied: '/etc/x'", remedy: asUser},
		"py-never":            {reason: keptns, attempt: ours, message: "task.yaml:33: ValueError: main"},
		"py-read":             {reason: engine.PermissionDenied, message: "task.yaml:31: PermissionError: [Errno 13] Permission denied: '/etc/shadow'", remedy: asNobody},
		"py-sub2":             {reason: keptns, attempt: ours, message: "task.yaml:32: subprocess.CalledProcessError: Command 'nosuch' returned non-zero exit status 127."},
		"py-spawn":            {reason: engine.PermissionDenied, message: "task.yaml:32: PermissionError: [Errno 13] Permission denied: '/etc/passwd'", remedy: asNobody},
		"py-lines":            {reason: keptns, message: "the last traceback: task.yaml:33: yaml.parser.ParserError: while parsing a flow sequence\ncalled from task.yaml:34", place: "task.yaml:33"},
		"py-formatexc4":       {reason: keptns, message: "the last traceback: task.yaml:34: KeyError: 'inner'", place: "task.yaml:34"},
		"py-caught":           {reason: keptns, message: "the last traceback: task.yaml:33: ZeroDivisionError: division by zero", place: "task.yaml:33"},
		"py-exit":             {reason: keptns},
		"py-writetext":        {reason: engine.PermissionDenied, message: "task.yaml:32: PermissionError: [Errno 13] Permission denied: '/etc/x'", remedy: asUser},
		"py-thread":           {reason: keptns, message: "the last traceback: task.yaml:33: ZeroDivisionError: division by zero", place: "task.yaml:33"},
		"py-group":            {reason: keptns, attempt: ours, message: "task.yaml:31: ExceptionGroup: g (2 sub-exceptions)\nin it: ValueError: a\nin it: TypeError: b"},
		"py-formatgroup":      {reason: keptns, attempt: ours, message: "task.yaml:37: RuntimeError: …\nin it: task.yaml:34: ExceptionGroup: g (1 sub-exception)"},
		"py-exgroup":          {reason: keptns, attempt: ours, message: "task.yaml:41: ExceptionGroup: g (2 sub-exceptions)\ncalled from task.yaml:43\nin it: task.yaml:32: TypeError: b\nin it: task.yaml:36: KeyError: 'a'"},
		"py-taskgroup":        {reason: keptns, attempt: ours, message: "task.yaml:37: ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)\ncalled from task.yaml:40\nin it: task.yaml:34: ValueError: no"},
		"py-groupchain":       {reason: keptns, attempt: ours, message: "task.yaml:34: ExceptionGroup: g (1 sub-exception)\nin it: ValueError: x"},
		"py-groupnested":      {reason: keptns, attempt: ours, message: "task.yaml:31: ExceptionGroup: outer (2 sub-exceptions)\nin it: ValueError: x\nin it: TypeError: t"},
		"py-grouptail":        {reason: keptns, attempt: ours, message: "task.yaml:31: ExceptionGroup: outer (2 sub-exceptions)\nin it: TypeError: t\nin it: ValueError: x\nin it: KeyError: 'k'"},
		"py-noline":           {reason: engine.PermissionDenied, message: "task.yaml:33: PermissionError: [Errno 13] Permission denied: '/etc/foo'", remedy: asUser},
		"py-copied":           {reason: engine.PermissionDenied, message: "task.yaml:32: PermissionError: [Errno 13] Permission denied: '/etc/shadow'", remedy: asNobody},
		"py-mkdir":            {reason: engine.PermissionDenied, message: "task.yaml:32: PermissionError: [Errno 13] Permission denied: '/srv/a'", remedy: asUser},
		"py-noline-key":       {reason: keptns, attempt: ours, message: "task.yaml:35: KeyError: 'DATA'\ncalled from task.yaml:37", remedy: "DATA is set where there are parameters: give spec.python.parameters.map, or --param NAME=VALUE"},
		"py-atexit":           {reason: keptns, attempt: ours, message: "task.yaml:37: ValueError: main"},
		"py-reraised":         {reason: keptns, attempt: ours, message: "task.yaml:33: KeyError: 'first'"},
		"py-threadexit":       {reason: keptns, message: "the last traceback: task.yaml:34: KeyError: 'a'", place: "task.yaml:34"},
		"py-logged":           {reason: keptns, message: "the last traceback: task.yaml:34: KeyError: 'first'", place: "task.yaml:34"},
		"py-process":          {reason: keptns, message: "the last traceback: task.yaml:34: KeyError: 'child'", place: "task.yaml:34"},
		"py-printexc":         {reason: keptns, attempt: ours, message: "task.yaml:34: KeyError: 'first'"},
		"py-del":              {reason: keptns},
		"py-formatexc5":       {reason: keptns, attempt: ours, message: "task.yaml:37: RuntimeError: failed:\nin it: task.yaml:34: KeyError: 'inner'"},
		"py-asyncunretrieved": {reason: keptns, message: "the last traceback: task.yaml:33: ValueError: unseen", place: "task.yaml:33"},
		"py-warned":           {reason: keptns, message: "the last traceback: task.yaml:35: ValueError: main", place: "task.yaml:35"},
		"py-raiseexit":        {reason: keptns, message: "the last traceback: <string>:1: ModuleNotFoundError: No module named 'nosuch'"},
		"py-groupdeep":        {reason: keptns, attempt: ours, message: "task.yaml:35: ExceptionGroup: a (1 sub-exception)\ncalled from task.yaml:36\nin it: OSError: deep"},
		"py-locals":           {reason: keptns, attempt: ours, message: "task.yaml:33: check.<locals>.NotReady: 3 pods\ncalled from task.yaml:34"},
		"py-umlaut":           {reason: keptns, attempt: ours, message: "task.yaml:32: Größe: ü"},

		"deno-env":        {reason: engine.PermissionDenied, message: `task.yaml:33: NotCapable: Requires env access to "HOME" (--allow-env, which Keptn's deno runtime does not give)`, remedy: denoHas + "pass the value as a parameter, it is then part of DATA"},
		"deno-colours":    {reason: engine.PermissionDenied, message: `task.yaml:33: NotCapable: Requires env access to "HOME" (--allow-env, which Keptn's deno runtime does not give)`, remedy: denoHas + "pass the value as a parameter, it is then part of DATA"},
		"deno-run":        {reason: engine.PermissionDenied, message: `task.yaml:31: NotCapable: Requires run access to "ls" (--allow-run, which Keptn's deno runtime does not give)`, remedy: denoHas + "a container task can do more"},
		"deno-read":       {reason: engine.PermissionDenied, message: "task.yaml:31: PermissionDenied: Permission denied (os error 13): readfile '/etc/shadow'", remedy: asNobody},
		"deno-syntax":     {reason: keptns, attempt: ours, message: "task.yaml:32: SyntaxError: Expression expected"},
		"deno-unreached":  {reason: keptns, attempt: ours, message: "task.yaml:31: Import 'https://esm.sh/nosuch' failed."},
		"deno-throw":      {reason: keptns, attempt: ours, message: "task.yaml:32: Error: boom a\ncalled from task.yaml:35"},
		"deno-reject":     {reason: keptns, attempt: ours, message: "task.yaml:33: TypeError: late\ncalled from task.yaml:35"},
		"deno-import":     {reason: engine.ModuleNotFound, message: `task.yaml:31: Import "lodash" not a dependency`, remedy: denoLoads},
		"deno-import2":    {reason: engine.ModuleNotFound, message: `task.yaml:31: Module not found "file:///var/data/other.ts".`, remedy: denoLoads},
		"deno-dynamic":    {reason: engine.ModuleNotFound, message: `task.yaml:31: TypeError: Module not found "file:///var/data/other.ts".`, remedy: denoLoads},
		"deno-cause":      {reason: keptns, attempt: ours, message: "task.yaml:34: Error: wrapped\ncaused by: task.yaml:32: SyntaxError: Expected property name or '}' in JSON at position 1 (line 1 column 2)"},
		"deno-throwobj":   {reason: keptns, attempt: ours, message: "{ a: 1 }"},
		"deno-timer":      {reason: keptns, attempt: ours, message: "task.yaml:31: Error: t"},
		"deno-write":      {reason: engine.PermissionDenied, message: "task.yaml:31: PermissionDenied: Permission denied (os error 13): writefile '/etc/x'", remedy: asUser},
		"deno-mkdir":      {reason: engine.PermissionDenied, message: "task.yaml:31: PermissionDenied: Permission denied (os error 13): mkdir '/srv/x'", remedy: asUser},
		"deno-parse":      {reason: keptns, attempt: ours, message: `task.yaml:31: SyntaxError: "undefined" is not valid JSON`, remedy: "DATA is set where there are parameters: give spec.deno.parameters.map, or --param NAME=VALUE"},
		"deno-noline":     {reason: keptns, attempt: ours, message: "task.yaml:32: Error: x"},
		"deno-aggregate":  {reason: keptns, attempt: ours, message: "task.yaml:36: AggregateError: both failed\ncalled from task.yaml:39\nin it: Error: a\nin it: TypeError: b"},
		"deno-any":        {reason: keptns, attempt: ours, message: "AggregateError: All promises were rejected\nin it: Error: a\nin it: Error: b"},
		"deno-label":      {reason: keptns, attempt: ours, message: "task.yaml:33: AggregateError: m\ncalled from task.yaml:37\nin it: Error: a"},
		"deno-importnet":  {reason: engine.PermissionDenied, message: `task.yaml:32: TypeError: Requires import access to "nosuch.invalid:443" (--allow-import, which Keptn's deno runtime does not give)`, remedy: denoFrom},
		"deno-importnet2": {reason: engine.PermissionDenied, message: `task.yaml:31: Requires import access to "nosuch.invalid:443" (--allow-import, which Keptn's deno runtime does not give)`, remedy: denoFrom},
		"deno-fetch":      {reason: keptns, attempt: ours, message: "task.yaml:31: TypeError: fetch failed\ncaused by: Error: error sending request for url (http://nosuch.invalid/): client error (Connect): dns error: failed to lookup address information: Name or service not known"},
		"deno-causes":     {reason: keptns, attempt: ours, message: "task.yaml:41: Error: outer\ncaused by: task.yaml:38: Error: middle\ncaused by: task.yaml:32: TypeError: innermost"},
		"deno-causeval":   {reason: keptns, attempt: ours, message: "task.yaml:31: Error: outer\ncaused by: { status: 404, body: { a: 1 } }"},
		"deno-twolines":   {reason: keptns, attempt: ours, message: "task.yaml:31: Error: first"},
		"deno-scheme":     {reason: keptns, attempt: ours, message: `task.yaml:31: Unsupported scheme "ftp" for module "ftp://a/b.ts". Supported schemes:`},
		"deno-secure":     {reason: keptns, attempt: ours, message: `task.yaml:31: SyntaxError: "undefined" is not valid JSON`, remedy: "SECURE_DATA is set where there is a secret: give spec.deno.secureParameters.secret"},
		"deno-parse3":     {reason: keptns, attempt: ours, message: `task.yaml:32: SyntaxError: "undefined" is not valid JSON`},
		"deno-own":        {reason: keptns},
		"deno-frames":     {reason: keptns, attempt: ours, message: "task.yaml:31: Error: first"},
		"deno-bare":       {reason: engine.ModuleNotFound, message: `task.yaml:32: TypeError: Import "lodash" not a dependency`, remedy: denoLoads},
		"deno-child":      {reason: engine.PermissionDenied, message: "task.yaml:32: NotCapable: Requires env access (--allow-env, which Keptn's deno runtime does not give)", remedy: denoHas + "a container task can do more"},
		"deno-node":       {reason: keptns, attempt: ours, message: "task.yaml:31: No such built-in module: node:nosuch"},
		"deno-never":      {reason: keptns, attempt: ours, message: "task.yaml:31: Top-level await promise never resolved"},
		"deno-check":      {reason: keptns, attempt: ours, message: "task.yaml:31: TS2322: Type 'string' is not assignable to type 'number'."},
	} {
		t.Run(name, func(t *testing.T) {
			want.task = script(plan.RuntimePython, "/var/data/function.py")
			if strings.HasPrefix(name, "deno") {
				want.task = script(plan.RuntimeDeno, "/var/data/function.ts")
			}
			want.exit.Code = 1
			want.lines = recorded(t, name)
			if line, _, ok := strings.Cut(want.message, ": "); ok && strings.HasPrefix(line, "task.yaml") {
				want.place = plan.Origin(line)
			}
			want.message = strings.TrimSuffix("exit code 1: "+want.message, ": ")
			want.check(t)
		})
	}
}

// recorded are the lines of a file of testdata/ends.
func recorded(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "ends", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// TestCausesAreNotGuessed has output that looks like a cause and is none.
func TestCausesAreNotGuessed(t *testing.T) {
	python := script(plan.RuntimePython, "/var/data/function.py")
	traceback := recorded(t, "py-name")
	cached := task("t")
	cached.Container.Tmpfs = []plan.Tmpfs{{Name: "cache", Path: "/cache", SizeBytes: 1 << 30}}
	for name, e := range map[string]ended{
		"a traceback and another exit code":     {task: python, exit: engine.Exit{Code: 3}, lines: traceback},
		"a traceback, more, and another code":   {task: python, exit: engine.Exit{Code: 3}, lines: append(traceback[:len(traceback):len(traceback)], "giving up")},
		"a traceback that is cut":               {task: python, exit: engine.Exit{Code: 1}, lines: traceback[:4]},
		"a traceback of what is ignored":        {task: python, exit: engine.Exit{Code: 1}, lines: append(recorded(t, "py-del"), "giving up")},
		"a quoted traceback":                    {task: python, exit: engine.Exit{Code: 1}, lines: []string{`  File "/var/data/function.py", line 3, in f`, "NameError: x"}},
		"an error of a container's":             {task: task("t"), exit: engine.Exit{Code: 1}, lines: []string{"error: Uncaught TypeError: x"}},
		"a script's own error":                  {task: script(plan.RuntimeDeno, "/var/data/function.ts"), exit: engine.Exit{Code: 1}, lines: []string{"error: SyntaxError: Unexpected token"}},
		"an error of another program":           {task: python, exit: engine.Exit{Code: 1}, lines: []string{"error: no such branch", "usage: git"}},
		"not found, and another exit code":      {task: task("t"), exit: engine.Exit{Code: 2}, lines: []string{"sh: tool: not found"}},
		"not found, and more":                   {task: task("t"), exit: engine.Exit{Code: 127}, lines: []string{"sh: tool: not found", "but on we go"}},
		"127 without a word":                    {task: task("t"), exit: engine.Exit{Code: 127}},
		"a full disk that is no volume":         {task: cached, exit: engine.Exit{Code: 1}, lines: []string{"cp: error writing '/data/x': No space left on device"}},
		"a volume that is full, and more":       {task: cached, exit: engine.Exit{Code: 1}, lines: []string{"cp: error writing '/cache/x': No space left on device", "retrying", "no route to host"}},
		"a read-only file system of the kernel": {task: with(task("t"), 0, time.Minute), exit: engine.Exit{Code: 1}, lines: []string{"sh: can't create /proc/sys/x: Read-only file system"}},
		"a failure under a memory limit":        {task: limited(task("t"), 64<<20), exit: engine.Exit{Code: 1}, lines: []string{"no such host"}},
		"killed without a memory limit":         {task: task("t"), exit: engine.Exit{Code: 137, Signal: "SIGKILL"}, lines: []string{"Killed"}},
	} {
		t.Run(name, func(t *testing.T) {
			e.reason = engine.BackoffLimitExceeded
			e.message = "exit code " + map[int]string{1: "1", 2: "2", 3: "3", 127: "127", 137: "137 (SIGKILL)"}[e.exit.Code]
			e.check(t)
		})
	}
}

// TestWhatStandsBefore: what a script has written before decides whether an exception is known to have ended it.
func TestWhatStandsBefore(t *testing.T) {
	const last = "the last traceback: "
	python, deno := script(plan.RuntimePython, "/var/data/function.py"), script(plan.RuntimeDeno, "/var/data/function.ts")
	name, value, boom := "task.yaml:33: NameError: name 'os' is not defined\ncalled from task.yaml:35", "task.yaml:34: ValueError: x", "task.yaml:32: Error: boom a\ncalled from task.yaml:35"
	for what, test := range map[string]struct {
		task     plan.Task
		before   []string
		recorded string
		message  string
	}{
		"ordinary lines":               {python, []string{"connecting", "an error that does not matter"}, "py-name", name},
		"a log that tells of no error": {python, []string{"INFO:root:connecting"}, "py-name", name},
		"a long line":                  {python, []string{strings.Repeat(".", 5000)}, "py-name", name},
		"a log":                        {python, []string{"2026-05-01 10:00:00 ERROR could not connect"}, "py-name", last + name},
		"a log of several":             {python, []string{"CRITICAL:app:no"}, "py-chain", last + value},
		"several":                      {python, []string{"connecting"}, "py-chain", value},
		"a log of a group":             {python, []string{"WARNING:app:no"}, "py-groupchain", last + "task.yaml:34: ExceptionGroup: g (1 sub-exception)\nin it: ValueError: x"},
		"a log on the same line":       {python, []string{"ERROR: ="}, "py-name", last + name},
		"ordinary words on the line":   {python, []string{strings.Repeat(".", 5000) + "="}, "py-name", name},
		"a message of several lines":   {deno, []string{"error: Uncaught (in promise) Error: git failed"}, "deno-import", "task.yaml:31: Error: git failed"},
		"words that look like frames":  {deno, []string{"error: Uncaught (in promise) Error: boom a", "    at file:///var/data/function.ts:9:9"}, "deno-throw", boom},
	} {
		t.Run(what, func(t *testing.T) {
			lines := recorded(t, test.recorded)
			if test.recorded == "deno-throw" {
				lines = lines[1:]
			}
			// A line that ends with = has no line break.
			if open, ok := strings.CutSuffix(test.before[len(test.before)-1], "="); ok {
				lines[0] = open + lines[0]
			} else {
				lines = append(test.before, lines...)
			}
			place, _, _ := strings.Cut(strings.TrimPrefix(test.message, last), ": ")
			e := ended{
				task: test.task, exit: engine.Exit{Code: 1}, lines: lines, reason: engine.BackoffLimitExceeded, attempt: engine.ScriptFailed,
				message: "exit code 1: " + test.message, place: plan.Origin(place),
			}
			switch {
			case strings.HasPrefix(test.message, last):
				e.attempt = ""
			case strings.HasPrefix(test.message, "task.yaml:33"):
				e.remedy = "add: import os"
			}
			e.check(t)
		})
	}
}

// TestParsedNothing has a line that parses a variable without its name in it.
func TestParsedNothing(t *testing.T) {
	const message, remedy = `exit code 1: task.yaml:32: SyntaxError: "undefined" is not valid JSON`, "DATA is set where there are parameters: give spec.deno.parameters.map, or --param NAME=VALUE"
	for code, want := range map[string]string{
		`const text = Deno.env.get("DATA");`:                        remedy,
		`const text = Deno.env.get('HOME');`:                        "",
		`const text = Deno.env.get("DATA") + Deno.env.get("MODE");`: "",
		`const text = undefined;`:                                   "",
	} {
		task := script(plan.RuntimeDeno, "/var/data/function.ts")
		task.Container.Files[0].Content = []byte(code)
		e := ended{
			task: task, exit: engine.Exit{Code: 1}, lines: recorded(t, "deno-parse3"), reason: engine.BackoffLimitExceeded, attempt: engine.ScriptFailed,
			message: message, remedy: want, place: "task.yaml:32",
		}
		e.check(t)
		e.task.Container.Env = []plan.EnvVar{{Name: "DATA"}}
		e.remedy = ""
		e.check(t)
	}
}

// TestRemediesAreForTheirCauseAlone has exceptions that are like those of which a remedy is known.
func TestRemediesAreForTheirCauseAlone(t *testing.T) {
	withData := script(plan.RuntimePython, "/var/data/function.py")
	withData.Container.Env = []plan.EnvVar{{Name: "DATA"}}
	for name, test := range map[string]struct {
		recorded, from, to string
		task               plan.Task
		message            string
	}{
		"a name that is no module":      {"py-name", "'os'", "'total'", script(plan.RuntimePython, "/var/data/function.py"), "task.yaml:33: NameError: name 'total' is not defined\ncalled from task.yaml:35"},
		"DATA is there":                 {"py-key", "", "", withData, "task.yaml:32: KeyError: 'DATA'"},
		"another key":                   {"py-key", "'DATA'", "'name'", script(plan.RuntimePython, "/var/data/function.py"), "task.yaml:32: KeyError: 'name'"},
		"a permission of another kind":  {"py-perm", "[Errno 13] Permission denied", "[Errno 1] Operation not permitted", script(plan.RuntimePython, "/var/data/function.py"), "task.yaml:31: PermissionError: [Errno 1] Operation not permitted: '/etc/x'"},
		"errno 13 of another exception": {"py-perm", "PermissionError:", "OSError:", script(plan.RuntimePython, "/var/data/function.py"), "task.yaml:31: OSError: [Errno 13] Permission denied: '/etc/x'"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := recorded(t, test.recorded)
			for i := range lines {
				if test.from != "" {
					lines[i] = strings.ReplaceAll(lines[i], test.from, test.to)
				}
			}
			place, _, _ := strings.Cut(test.message, ": ")
			ended{
				task: test.task, exit: engine.Exit{Code: 1}, lines: lines, reason: engine.BackoffLimitExceeded, attempt: engine.ScriptFailed,
				message: "exit code 1: " + test.message, place: plan.Origin(place),
			}.check(t)
		})
	}
}

// TestStdoutIsNoError where something went to stderr.
func TestStdoutIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &enginetest.Fake{Tasks: map[string]attempts{"t": {{
			Output: []enginetest.Line{enginetest.Err("giving up"), enginetest.Out("sh: tool: not found")}, Exit: engine.Exit{Code: 127},
		}}}}
		result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, task("t"))
		if got := result.Tasks[0]; got.Reason != engine.BackoffLimitExceeded {
			t.Errorf("%s: %s", got.Reason, got.Message)
		}
	})
}

func TestCodeElsewhere(t *testing.T) {
	folded := script(plan.RuntimePython, "/var/data/function.py")
	folded.Container.Files[0].Line = 0
	folded.Container.Files[0].Origin = "task.yaml:12 spec.python.inline.code"
	fetched := task("t")
	fetched.Runtime = plan.RuntimePython
	words := task("t")
	for name, e := range map[string]ended{
		"folded": {task: folded, message: "exit code 1: task.yaml:12 (line 2 of the code): ValueError: x", lines: []string{
			"Traceback (most recent call last):", `  File "/var/data/function.py", line 2, in <module>`, "ValueError: x",
		}},
		"fetched": {task: fetched, message: "exit code 1: <stdin>:2: ValueError: x", lines: []string{
			"Traceback (most recent call last):", `  File "<stdin>", line 2, in <module>`, "ValueError: x",
		}},
		"an image's own": {task: words, message: "exit code 1: /app/lib.py:7: ValueError: x", lines: []string{
			"Traceback (most recent call last):", `  File "/app/main.py", line 2, in <module>`, `  File "/app/lib.py", line 7, in f`, "ValueError: x",
		}},
		"a message of the task's own comes first": {task: words, exit: engine.Exit{Message: "could not deploy\n"}, message: "exit code 1: could not deploy\n/app/lib.py:7: ValueError: x", lines: []string{
			"Traceback (most recent call last):", `  File "/app/lib.py", line 7, in <module>`, "ValueError: x",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e.exit.Code, e.reason, e.attempt = 1, engine.BackoffLimitExceeded, engine.ScriptFailed
			e.check(t)
		})
	}
}

// TestShellEnds has the words of dash, bash, busybox, zsh, env, nohup, timeout and xargs.
func TestShellEnds(t *testing.T) {
	const fix = "correct its name, or use an image that has it"
	for _, line := range []string{
		"sh: nosuch: not found", "dash: 1: nosuch: not found", "bash: nosuch: command not found", "bash: line 1: nosuch: command not found",
		"sh: exec: line 0: nosuch: not found", "bash: exec: nosuch: not found", "zsh:1: command not found: nosuch",
		"env: 'nosuch': No such file or directory", "env: ‘nosuch’: No such file or directory", "env: can't execute 'nosuch': No such file or directory",
		"nohup: failed to run command 'nosuch': No such file or directory", "xargs: nosuch: No such file or directory",
		"/opt/deploy.sh: line 3: nosuch: command not found", "\x1b[31msh: nosuch: not found\x1b[0m\r",
	} {
		ended{
			task: task("t"), exit: engine.Exit{Code: 127}, lines: []string{"deploying", line},
			reason: engine.CommandNotFound, message: `exit code 127: command "nosuch" was not found`, remedy: fix,
		}.check(t)
	}
	for _, line := range []string{"dash: 1: ./x: not found", "bash: ./x: No such file or directory", "bash: line 1: ./x: cannot execute: required file not found"} {
		ended{
			task: task("t"), exit: engine.Exit{Code: 127}, lines: []string{line}, reason: engine.CommandNotFound,
			message: `exit code 127: "./x" was not found, or the interpreter that its first line names was not`, remedy: fix,
		}.check(t)
	}
	for line, why := range map[string]string{"sh: /x: Permission denied": "permission denied", "bash: line 1: /x: Is a directory": "is a directory"} {
		ended{
			task: task("t"), exit: engine.Exit{Code: 126}, lines: []string{line}, reason: engine.CommandNotRunnable,
			message: `exit code 126: "/x" cannot be executed: ` + why,
			remedy:  "make the file executable (chmod +x), or start it through its interpreter: sh FILE",
		}.check(t)
	}
	for _, line := range []string{"dash: 1: /x: Exec format error", "bash: /x: cannot execute binary file: Exec format error"} {
		ended{
			task: task("t"), exit: engine.Exit{Code: 126}, lines: []string{line}, reason: engine.WrongArchitecture,
			message: `exit code 126: "/x" is built for another architecture than the engine's, or is a script without a #! line`,
			remedy:  "use an image for the engine's architecture, or name another with --platform",
		}.check(t)
	}
}

// TestKilledUnderALimit has a SIGKILL of which the engine does not say why.
func TestKilledUnderALimit(t *testing.T) {
	ended{
		task: limited(task("t"), 64<<20), exit: engine.Exit{Code: 137, Signal: "SIGKILL"}, reason: engine.BackoffLimitExceeded,
		message: "exit code 137 (SIGKILL)",
		remedy:  "a process was killed by SIGKILL: if it was short of memory, raise the limit of 64Mi",
	}.check(t)
}

func TestNoFork(t *testing.T) {
	forking := task("t")
	forking.Container.Limits.Pids = 100
	for _, line := range []string{
		"sh: can't fork: Resource temporarily unavailable", "dash: 0: Cannot fork", "bash: fork: Resource temporarily unavailable",
	} {
		ended{
			task: forking, exit: engine.Exit{Code: 2}, lines: []string{line}, reason: engine.BackoffLimitExceeded, message: "exit code 2",
			remedy: "a process could not be started: the task may have 100 processes and threads at a time, --pids-limit gives it more",
		}.check(t)
	}
	unlimited := ended{task: task("t"), exit: engine.Exit{Code: 2}, lines: []string{"dash: 0: Cannot fork"}, reason: engine.BackoffLimitExceeded, message: "exit code 2"}
	unlimited.check(t)
}

func TestFileSystemEnds(t *testing.T) {
	box := task("t")
	box.Container.Security.ReadOnlyRootfs = true
	box.Container.Tmpfs = []plan.Tmpfs{
		{Name: "work", Path: "/scratch", SizeBytes: 1 << 30, Origin: "task.yaml:20 v[0]"},
		{Name: "work", Path: "/scratch/fixed", SubPath: "f", SizeBytes: 1 << 30, ReadOnly: true, Origin: "task.yaml:21 v[1]"},
	}
	box.Container.Mounts = []plan.Mount{{Source: "/home/me", Target: "/me", ReadOnly: true, Origin: "flag --mount"}}
	box.Container.Origins = []plan.Part{{Name: "security", Origin: "task.yaml:9 s"}}
	bounded := limited(task("t"), 3<<30)
	bounded.Container.Tmpfs = []plan.Tmpfs{{Name: "work", Path: "/scratch", SizeBytes: 3 << 30}}
	bounded.Container.Origins = []plan.Part{{Name: "limits.memory", Origin: "task.yaml:7 m"}}
	const (
		unbound = "write less, or set resources.limits.memory: the volume then has that size"
		root    = "write to a volume (volumeMounts), or leave readOnlyRootFilesystem out"
		mounts  = "leave readOnly out of the mount, or write elsewhere"
	)
	for line, e := range map[string]ended{
		"sh: can't create /x: Read-only file system":                           {task: box, reason: engine.ReadOnlyFileSystem, remedy: root, message: "/x is on the root file system, which is read-only (task.yaml:9 s)"},
		"/run.sh: line 3: /etc/x: Read-only file system":                       {task: box, reason: engine.ReadOnlyFileSystem, remedy: root, message: "/etc/x is on the root file system, which is read-only (task.yaml:9 s)"},
		"touch: cannot touch '/scratch/fixed/x': Read-only file system":        {task: box, reason: engine.ReadOnlyFileSystem, remedy: mounts, message: `/scratch/fixed/x is on volume "work", which is mounted read-only (task.yaml:21 v[1])`},
		"open /me/x: read-only file system":                                    {task: box, reason: engine.ReadOnlyFileSystem, remedy: mounts, message: "/me/x is on the mount of /home/me, which is read-only (flag --mount)"},
		"touch: x: Read-only file system":                                      {task: box, reason: engine.BackoffLimitExceeded},
		"dd: error writing '/scratch/x': No space left on device":              {task: box, reason: engine.VolumeFull, remedy: unbound, message: `volume "work" at /scratch is full: its size is 1Gi, as there is no memory limit`},
		"write /scratch/x: no space left on device":                            {task: bounded, reason: engine.VolumeFull, remedy: "write less, or raise resources.limits.memory", message: `volume "work" at /scratch is full: its size is 3Gi, that of the memory limit (task.yaml:7 m), or half of the engine's memory where that is less`},
		"sh: write error: No space left on device":                             {task: box, reason: engine.BackoffLimitExceeded, remedy: `either volume "work" at /scratch is full, its size is 1Gi, as there is no memory limit, or the engine's disk is`},
		"sh: line 1:    12 Killed                  tail /dev/zero":             {task: bounded, reason: engine.BackoffLimitExceeded, remedy: "a process was killed by SIGKILL: if it was short of memory, raise the limit of 3Gi (task.yaml:7 m)"},
		"cp: cannot create regular file '/proc/x': Read-only file system":      {task: box, reason: engine.BackoffLimitExceeded},
		"cp: cannot create regular file '/scratch/x/y': Read-only file system": {task: box, reason: engine.BackoffLimitExceeded},
	} {
		t.Run(line, func(t *testing.T) {
			e.exit.Code = 1
			e.message = strings.TrimSuffix("exit code 1: "+e.message, ": ")
			e.lines = []string{line}
			if strings.HasPrefix(line, "dd:") {
				e.lines = append(e.lines, "1025+0 records in", "1024+0 records out")
			}
			e.check(t)
		})
	}
}

// TestEndOfLongOutput: the cause is found behind any amount of output, with a long line told in parts, on stdout too.
func TestEndOfLongOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var output []enginetest.Line
		for range 1000 {
			output = append(output, enginetest.Out(strings.Repeat("x", 5000)))
		}
		output = append(output, enginetest.Out("sh: tool: not found"))
		fake := &enginetest.Fake{Tasks: map[string]attempts{"t": {{Output: output, Exit: engine.Exit{Code: 127}}}}}
		result, _ := play(t, t.Context(), engine.Runner{Engine: fake}, task("t"))
		if got := result.Tasks[0]; got.Reason != engine.CommandNotFound {
			t.Errorf("the reason is %s", got.Reason)
		}
	})
}
