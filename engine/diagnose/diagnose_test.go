package diagnose_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/diagnose"
	"github.com/ktask/ktask/engine/plan"
)

// ended is a task that wrote lines and exited, and the cause that is found.
type ended struct {
	task   plan.Task
	code   int
	signal string
	oom    bool
	lines  []string

	reason  diagnose.Reason
	message string
	remedy  string
	option  diagnose.Option
	place   plan.Origin
}

// at is a line of task.yaml.
func at(line int) plan.Origin { return plan.Origin{File: "task.yaml", Line: line} }

// placeOf is the line of task.yaml that a message begins with.
func placeOf(message string) (place plan.Origin, ok bool) {
	line := 0
	_, err := fmt.Sscanf(message, "task.yaml:%d: ", &line)
	return at(line), err == nil
}

func (e ended) check(t *testing.T) {
	t.Helper()
	const kept = 120 // lines that the Runner keeps
	failure := diagnose.Failure{Task: e.task, ExitCode: e.code, Signal: e.signal, OOMKilled: e.oom, Output: e.lines, Truncated: len(e.lines) >= kept}
	if over := len(e.lines) - kept; over > 0 {
		failure.Output = e.lines[over:]
	}
	got, ok := diagnose.Explain(failure)
	want := diagnose.Cause{Reason: e.reason, Message: e.message, Remedy: diagnose.Remedy{Text: e.remedy, Option: e.option}, Place: e.place}
	if got != want || ok != (want != diagnose.Cause{}) {
		t.Errorf("reason  %q, want %q\nmessage %q\nwant    %q\nremedy  %q\nwant    %q\nplace   %q, want %q",
			got.Reason, want.Reason, got.Message, want.Message, got.Remedy, want.Remedy, got.Place, want.Place)
	}
}

func limited(t plan.Task, memory int64) plan.Task {
	t.Container.Limits.MemoryBytes = memory
	return t
}

// script is a function task whose code begins in line 31 of its manifest.
func script(runtime plan.Runtime, path string) plan.Task {
	s := plan.Task{}
	s.Runtime = runtime
	s.Container.Files = []plan.File{{Path: path, Origin: plan.Origin{File: "task.yaml", Line: 30, Field: "spec." + string(runtime) + ".inline.code"}, Line: 31}}
	return s
}

const (
	pythonHas = "Keptn's python runtime has the standard library, requests, yaml and git (GitPython) alone: use a container task with an image of your own for more"
	denoHas   = "it has --allow-net, --allow-read, --allow-write and --allow-env=DATA,SECURE_DATA,KEPTN_CONTEXT; "
	denoFrom  = "without it deno imports from deno.land, jsr.io, esm.sh, cdn.jsdelivr.net, and githubusercontent.com's raw and gist alone; a container task can do more"
	denoLoads = "a task is a single file: import by URL, or by a specifier that begins with npm: or jsr:"
	asUser    = "Keptn's runtimes run a script as user 1000: write below /tmp"
	renamed   = "read KEPTN_CONTEXT: Keptn 0.9 renamed CONTEXT"
	asNobody  = "Keptn's runtimes run a script as user 1000, who may not do this; what is to be written goes below /tmp"
)

// TestScriptEnds reads what the real runtimes wrote (testdata/ends). The scripts begin in line 31 of the manifest.
func TestScriptEnds(t *testing.T) {
	const ours = diagnose.ScriptFailed
	for name, want := range map[string]ended{
		"py-name":             {reason: ours, message: "task.yaml:33: NameError: name 'os' is not defined\ncalled from task.yaml:35", remedy: "add: import os"},
		"py-syntax":           {reason: ours, message: "task.yaml:32: SyntaxError: expected ':'"},
		"py-indent":           {reason: ours, message: "task.yaml:33: IndentationError: expected an indented block after 'if' statement on task.yaml:32"},
		"py-import":           {reason: diagnose.ModuleNotFound, message: "task.yaml:31: ModuleNotFoundError: No module named 'numpy'", remedy: pythonHas},
		"py-chain":            {reason: ours, message: "task.yaml:34: ValueError: x"},
		"py-formatexc":        {reason: ours, message: "task.yaml:36: RuntimeError: wrapped: …\ncalled from task.yaml:37\nin it: task.yaml:34: KeyError: 'inner'"},
		"py-deep":             {reason: ours, message: "task.yaml:32: requests.exceptions.ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=1): Max retries exceeded with url: / (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7fd12e556110>: Failed to establish a new connection: [Errno 111] Connection refused'))"},
		"py-key":              {reason: ours, message: "task.yaml:32: KeyError: 'DATA'", remedy: "DATA is set if there are parameters: give spec.python.parameters.map", option: diagnose.OptionParams},
		"py-context":          {reason: ours, message: "task.yaml:32: TypeError: the JSON object must be str, bytes or bytearray, not NoneType", remedy: renamed},
		"py-contextkey":       {reason: ours, message: "task.yaml:32: KeyError: 'CONTEXT'", remedy: renamed},
		"py-none":             {reason: ours, message: "task.yaml:33: TypeError: the JSON object must be str, bytes or bytearray, not NoneType"},
		"py-nonesplit":        {reason: ours, message: "task.yaml:32: AttributeError: 'NoneType' object has no attribute 'split'", remedy: "SECURE_DATA is set if there is a secret: give spec.python.secureParameters.secret"},
		"py-formatchain":      {reason: ours, message: "task.yaml:40: RuntimeError: x: …\nin it: task.yaml:36: ValueError: middle"},
		"py-dictkey":          {reason: ours, message: "task.yaml:32: KeyError: 'DATA'"},
		"py-rec":              {reason: ours, message: "task.yaml:32: RecursionError: maximum recursion depth exceeded\ncalled from task.yaml:32, from task.yaml:33"},
		"py-mutual":           {message: "the last traceback: task.yaml:32: RecursionError: maximum recursion depth exceeded\ncalled from task.yaml:34, from task.yaml:32, from task.yaml:34", place: at(32)},
		"py-perm":             {reason: diagnose.PermissionDenied, message: "task.yaml:31: PermissionError: [Errno 13] Permission denied: '/etc/x'", remedy: asUser},
		"py-never":            {reason: ours, message: "task.yaml:33: ValueError: main"},
		"py-read":             {reason: diagnose.PermissionDenied, message: "task.yaml:31: PermissionError: [Errno 13] Permission denied: '/etc/shadow'", remedy: asNobody},
		"py-sub2":             {reason: ours, message: "task.yaml:32: subprocess.CalledProcessError: Command 'nosuch' returned non-zero exit status 127."},
		"py-spawn":            {reason: diagnose.PermissionDenied, message: "task.yaml:32: PermissionError: [Errno 13] Permission denied: '/etc/passwd'", remedy: asNobody},
		"py-lines":            {message: "the last traceback: task.yaml:33: yaml.parser.ParserError: while parsing a flow sequence\ncalled from task.yaml:34", place: at(33)},
		"py-formatexc4":       {message: "the last traceback: task.yaml:34: KeyError: 'inner'", place: at(34)},
		"py-caught":           {message: "the last traceback: task.yaml:33: ZeroDivisionError: division by zero", place: at(33)},
		"py-exit":             {},
		"py-writetext":        {reason: diagnose.PermissionDenied, message: "task.yaml:32: PermissionError: [Errno 13] Permission denied: '/etc/x'", remedy: asUser},
		"py-thread":           {message: "the last traceback: task.yaml:33: ZeroDivisionError: division by zero", place: at(33)},
		"py-group":            {reason: ours, message: "task.yaml:31: ExceptionGroup: g (2 sub-exceptions)\nin it: ValueError: a\nin it: TypeError: b"},
		"py-formatgroup":      {reason: ours, message: "task.yaml:37: RuntimeError: …\nin it: task.yaml:34: ExceptionGroup: g (1 sub-exception)"},
		"py-exgroup":          {reason: ours, message: "task.yaml:41: ExceptionGroup: g (2 sub-exceptions)\ncalled from task.yaml:43\nin it: task.yaml:32: TypeError: b\nin it: task.yaml:36: KeyError: 'a'"},
		"py-taskgroup":        {reason: ours, message: "task.yaml:37: ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)\ncalled from task.yaml:40\nin it: task.yaml:34: ValueError: no"},
		"py-groupchain":       {reason: ours, message: "task.yaml:34: ExceptionGroup: g (1 sub-exception)\nin it: ValueError: x"},
		"py-groupnested":      {reason: ours, message: "task.yaml:31: ExceptionGroup: outer (2 sub-exceptions)\nin it: ValueError: x\nin it: TypeError: t"},
		"py-grouptail":        {reason: ours, message: "task.yaml:31: ExceptionGroup: outer (2 sub-exceptions)\nin it: TypeError: t\nin it: ValueError: x\nin it: KeyError: 'k'"},
		"py-noline":           {reason: diagnose.PermissionDenied, message: "task.yaml:33: PermissionError: [Errno 13] Permission denied: '/etc/foo'", remedy: asUser},
		"py-copied":           {reason: diagnose.PermissionDenied, message: "task.yaml:32: PermissionError: [Errno 13] Permission denied: '/etc/shadow'", remedy: asNobody},
		"py-mkdir":            {reason: diagnose.PermissionDenied, message: "task.yaml:32: PermissionError: [Errno 13] Permission denied: '/srv/a'", remedy: asUser},
		"py-noline-key":       {reason: ours, message: "task.yaml:35: KeyError: 'DATA'\ncalled from task.yaml:37", remedy: "DATA is set if there are parameters: give spec.python.parameters.map", option: diagnose.OptionParams},
		"py-atexit":           {reason: ours, message: "task.yaml:37: ValueError: main"},
		"py-reraised":         {reason: ours, message: "task.yaml:33: KeyError: 'first'"},
		"py-threadexit":       {message: "the last traceback: task.yaml:34: KeyError: 'a'", place: at(34)},
		"py-logged":           {message: "the last traceback: task.yaml:34: KeyError: 'first'", place: at(34)},
		"py-process":          {message: "the last traceback: task.yaml:34: KeyError: 'child'", place: at(34)},
		"py-printexc":         {reason: ours, message: "task.yaml:34: KeyError: 'first'"},
		"py-del":              {},
		"py-formatexc5":       {reason: ours, message: "task.yaml:37: RuntimeError: failed:\nin it: task.yaml:34: KeyError: 'inner'"},
		"py-asyncunretrieved": {message: "the last traceback: task.yaml:33: ValueError: unseen", place: at(33)},
		"py-warned":           {message: "the last traceback: task.yaml:35: ValueError: main", place: at(35)},
		"py-raiseexit":        {message: "the last traceback: <string>:1: ModuleNotFoundError: No module named 'nosuch'"},
		"py-groupdeep":        {reason: ours, message: "task.yaml:35: ExceptionGroup: a (1 sub-exception)\ncalled from task.yaml:36\nin it: OSError: deep"},
		"py-locals":           {reason: ours, message: "task.yaml:33: check.<locals>.NotReady: 3 pods\ncalled from task.yaml:34"},
		"py-umlaut":           {reason: ours, message: "task.yaml:32: Größe: ü"},

		"deno-env":        {reason: diagnose.PermissionDenied, message: `task.yaml:33: NotCapable: Requires env access to "HOME" (--allow-env, which Keptn's deno runtime does not give)`, remedy: denoHas + "pass the value as a parameter, it is then part of DATA"},
		"deno-context":    {reason: diagnose.PermissionDenied, message: `task.yaml:31: NotCapable: Requires env access to "CONTEXT" (--allow-env, which Keptn's deno runtime does not give)`, remedy: renamed},
		"deno-toobject":   {reason: diagnose.PermissionDenied, message: "task.yaml:31: NotCapable: Requires env access (--allow-env, which Keptn's deno runtime does not give)", remedy: "read each variable with Deno.env.get(NAME): toObject needs access to all; Keptn sets DATA, SECURE_DATA and KEPTN_CONTEXT (CONTEXT before 0.9)"},
		"deno-colours":    {reason: diagnose.PermissionDenied, message: `task.yaml:33: NotCapable: Requires env access to "HOME" (--allow-env, which Keptn's deno runtime does not give)`, remedy: denoHas + "pass the value as a parameter, it is then part of DATA"},
		"deno-run":        {reason: diagnose.PermissionDenied, message: `task.yaml:31: NotCapable: Requires run access to "ls" (--allow-run, which Keptn's deno runtime does not give)`, remedy: denoHas + "a container task can do more"},
		"deno-read":       {reason: diagnose.PermissionDenied, message: "task.yaml:31: PermissionDenied: Permission denied (os error 13): readfile '/etc/shadow'", remedy: asNobody},
		"deno-syntax":     {reason: ours, message: "task.yaml:32: SyntaxError: Expression expected"},
		"deno-unreached":  {reason: ours, message: "task.yaml:31: Import 'https://esm.sh/nosuch' failed."},
		"deno-throw":      {reason: ours, message: "task.yaml:32: Error: boom a\ncalled from task.yaml:35"},
		"deno-reject":     {reason: ours, message: "task.yaml:33: TypeError: late\ncalled from task.yaml:35"},
		"deno-import":     {reason: diagnose.ModuleNotFound, message: `task.yaml:31: Import "lodash" not a dependency`, remedy: denoLoads},
		"deno-import2":    {reason: diagnose.ModuleNotFound, message: `task.yaml:31: Module not found "file:///var/data/other.ts".`, remedy: denoLoads},
		"deno-dynamic":    {reason: diagnose.ModuleNotFound, message: `task.yaml:31: TypeError: Module not found "file:///var/data/other.ts".`, remedy: denoLoads},
		"deno-cause":      {reason: ours, message: "task.yaml:34: Error: wrapped\ncaused by: task.yaml:32: SyntaxError: Expected property name or '}' in JSON at position 1 (line 1 column 2)"},
		"deno-throwobj":   {reason: ours, message: "{ a: 1 }"},
		"deno-timer":      {reason: ours, message: "task.yaml:31: Error: t"},
		"deno-write":      {reason: diagnose.PermissionDenied, message: "task.yaml:31: PermissionDenied: Permission denied (os error 13): writefile '/etc/x'", remedy: asUser},
		"deno-mkdir":      {reason: diagnose.PermissionDenied, message: "task.yaml:31: PermissionDenied: Permission denied (os error 13): mkdir '/srv/x'", remedy: asUser},
		"deno-parse":      {reason: ours, message: `task.yaml:31: SyntaxError: "undefined" is not valid JSON`, remedy: "DATA is set if there are parameters: give spec.deno.parameters.map", option: diagnose.OptionParams},
		"deno-noline":     {reason: ours, message: "task.yaml:32: Error: x"},
		"deno-aggregate":  {reason: ours, message: "task.yaml:36: AggregateError: both failed\ncalled from task.yaml:39\nin it: Error: a\nin it: TypeError: b"},
		"deno-any":        {reason: ours, message: "AggregateError: All promises were rejected\nin it: Error: a\nin it: Error: b"},
		"deno-label":      {reason: ours, message: "task.yaml:33: AggregateError: m\ncalled from task.yaml:37\nin it: Error: a"},
		"deno-importnet":  {reason: diagnose.PermissionDenied, message: `task.yaml:32: TypeError: Requires import access to "nosuch.invalid:443" (--allow-import, which Keptn's deno runtime does not give)`, remedy: denoFrom},
		"deno-importnet2": {reason: diagnose.PermissionDenied, message: `task.yaml:31: Requires import access to "nosuch.invalid:443" (--allow-import, which Keptn's deno runtime does not give)`, remedy: denoFrom},
		"deno-fetch":      {reason: ours, message: "task.yaml:31: TypeError: fetch failed\ncaused by: Error: error sending request for url (http://nosuch.invalid/): client error (Connect): dns error: failed to lookup address information: Name or service not known"},
		"deno-causes":     {reason: ours, message: "task.yaml:41: Error: outer\ncaused by: task.yaml:38: Error: middle\ncaused by: task.yaml:32: TypeError: innermost"},
		"deno-causeval":   {reason: ours, message: "task.yaml:31: Error: outer\ncaused by: { status: 404, body: { a: 1 } }"},
		"deno-twolines":   {reason: ours, message: "task.yaml:31: Error: first"},
		"deno-scheme":     {reason: ours, message: `task.yaml:31: Unsupported scheme "ftp" for module "ftp://a/b.ts". Supported schemes:`},
		"deno-secure":     {reason: ours, message: `task.yaml:31: SyntaxError: "undefined" is not valid JSON`, remedy: "SECURE_DATA is set if there is a secret: give spec.deno.secureParameters.secret"},
		"deno-parse3":     {reason: ours, message: `task.yaml:32: SyntaxError: "undefined" is not valid JSON`},
		"deno-own":        {},
		"deno-frames":     {reason: ours, message: "task.yaml:31: Error: first"},
		"deno-bare":       {reason: diagnose.ModuleNotFound, message: `task.yaml:32: TypeError: Import "lodash" not a dependency`, remedy: denoLoads},
		"deno-child":      {reason: diagnose.PermissionDenied, message: "task.yaml:32: NotCapable: Requires env access (--allow-env, which Keptn's deno runtime does not give)", remedy: denoHas + "a container task can do more"},
		"deno-node":       {reason: ours, message: "task.yaml:31: No such built-in module: node:nosuch"},
		"deno-never":      {reason: ours, message: "task.yaml:31: Top-level await promise never resolved"},
		"deno-check":      {reason: ours, message: "task.yaml:31: TS2322: Type 'string' is not assignable to type 'number'."},
	} {
		t.Run(name, func(t *testing.T) {
			want.task = script(plan.RuntimePython, "/var/data/function.py")
			if strings.HasPrefix(name, "deno") {
				want.task = script(plan.RuntimeDeno, "/var/data/function.ts")
			}
			want.code = 1
			want.lines = recorded(t, name)
			if place, ok := placeOf(want.message); ok {
				want.place = place
			}
			want.check(t)
		})
	}
}

// recorded returns the lines of a file of testdata/ends.
func recorded(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "ends", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// TestCausesAreNotGuessed reads output that looks like that of a known cause.
func TestCausesAreNotGuessed(t *testing.T) {
	python := script(plan.RuntimePython, "/var/data/function.py")
	traceback := recorded(t, "py-name")
	cached := plan.Task{}
	cached.Container.Tmpfs = []plan.Tmpfs{{Name: "cache", Path: "/cache", SizeBytes: 1 << 30}}
	for name, e := range map[string]ended{
		"a traceback and another exit code":     {task: python, code: 3, lines: traceback},
		"a traceback, more, and another code":   {task: python, code: 3, lines: append(traceback[:len(traceback):len(traceback)], "giving up")},
		"a traceback that is cut":               {task: python, code: 1, lines: traceback[:4]},
		"a traceback of what is ignored":        {task: python, code: 1, lines: append(recorded(t, "py-del"), "giving up")},
		"a quoted traceback":                    {task: python, code: 1, lines: []string{`  File "/var/data/function.py", line 3, in f`, "NameError: x"}},
		"an error of a container's":             {code: 1, lines: []string{"error: Uncaught TypeError: x"}},
		"a script's own error":                  {task: script(plan.RuntimeDeno, "/var/data/function.ts"), code: 1, lines: []string{"error: SyntaxError: Unexpected token"}},
		"an error of another program":           {task: python, code: 1, lines: []string{"error: no such branch", "usage: git"}},
		"not found, and another exit code":      {code: 2, lines: []string{"sh: tool: not found"}},
		"not found, and more":                   {code: 127, lines: []string{"sh: tool: not found", "but on we go"}},
		"127 without a word":                    {code: 127},
		"a full disk that is no volume":         {task: cached, code: 1, lines: []string{"cp: error writing '/data/x': No space left on device"}},
		"a volume that is full, and more":       {task: cached, code: 1, lines: []string{"cp: error writing '/cache/x': No space left on device", "retrying", "no route to host"}},
		"a read-only file system of the kernel": {code: 1, lines: []string{"sh: can't create /proc/sys/x: Read-only file system"}},
		"a failure under a memory limit":        {task: limited(plan.Task{}, 64<<20), code: 1, lines: []string{"no such host"}},
		"killed without a memory limit":         {code: 137, signal: "SIGKILL", lines: []string{"Killed"}},
	} {
		t.Run(name, func(t *testing.T) {
			e.check(t)
		})
	}
}

// TestOutputBefore holds that the output before an exception decides whether it is certain that it ended the script.
func TestOutputBefore(t *testing.T) {
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
			place, _ := placeOf(strings.TrimPrefix(test.message, last))
			e := ended{
				task: test.task, code: 1, lines: lines, reason: diagnose.ScriptFailed,
				message: test.message, place: place,
			}
			switch {
			case strings.HasPrefix(test.message, last):
				e.reason = ""
			case strings.HasPrefix(test.message, "task.yaml:33"):
				e.remedy = "add: import os"
			}
			e.check(t)
		})
	}
}

// TestUndefinedVariable reads an exception in a line that parses a variable without naming it.
func TestUndefinedVariable(t *testing.T) {
	const message, remedy = `task.yaml:32: SyntaxError: "undefined" is not valid JSON`, "DATA is set if there are parameters: give spec.deno.parameters.map"
	for code, want := range map[string]string{
		`const text = Deno.env.get("DATA");`:                        remedy,
		`const text = Deno.env.get('HOME');`:                        "",
		`const text = Deno.env.get("DATA") + Deno.env.get("MODE");`: "",
		`const text = undefined;`:                                   "",
	} {
		task := script(plan.RuntimeDeno, "/var/data/function.ts")
		task.Container.Files[0].Content = []byte(code)
		e := ended{
			task: task, code: 1, lines: recorded(t, "deno-parse3"), reason: diagnose.ScriptFailed,
			message: message, remedy: want, place: at(32),
		}
		if want != "" {
			e.option = diagnose.OptionParams
		}
		e.check(t)
		e.task.Container.Env = []plan.EnvVar{{Name: "DATA"}}
		e.remedy, e.option = "", ""
		e.check(t)
	}
}

// TestFunctionField reads a failure of an old manifest, whose runner is the field function.
func TestFunctionField(t *testing.T) {
	task := script(plan.RuntimeDeno, "/var/data/function.ts")
	task.Container.Files[0].Origin.Field = "spec.function.inline.code"
	ended{
		task: task, code: 1, lines: recorded(t, "deno-parse"), reason: diagnose.ScriptFailed, place: at(31), option: diagnose.OptionParams,
		message: `task.yaml:31: SyntaxError: "undefined" is not valid JSON`, remedy: "DATA is set if there are parameters: give spec.function.parameters.map",
	}.check(t)
}

// TestUnsetInShell reads what shells write of CONTEXT with set -u, and of another variable.
func TestUnsetInShell(t *testing.T) {
	for line, remedy := range map[string]string{
		"sh: CONTEXT: parameter not set":               renamed,
		"sh: 1: CONTEXT: parameter not set":            renamed,
		"/bin/bash: line 1: CONTEXT: unbound variable": renamed,
		"sh: REGION: parameter not set":                "",
	} {
		ended{task: plan.Task{Runtime: plan.RuntimeContainer}, code: 2, lines: []string{line}, remedy: remedy}.check(t)
	}
}

// TestNoneParsed reads an exception of Python in a line that parses a variable without naming it.
func TestNoneParsed(t *testing.T) {
	for code, want := range map[string]string{
		`data = os.environ.get("CONTEXT")`:                        renamed,
		`from os import environ as e; data = e.get("CONTEXT")`:    renamed,
		`e = {}; data = e.get("CONTEXT")`:                         "",
		`data = os.getenv('SECRET_DATA')`:                         "read SECURE_DATA: Keptn does not set SECRET_DATA",
		`data = os.getenv('CONTEXT'); mode = os.getenv('REGION')`: "",
		`data = None`: "",
	} {
		task := script(plan.RuntimePython, "/var/data/function.py")
		task.Container.Files[0].Content = []byte(code)
		ended{
			task: task, code: 1, lines: recorded(t, "py-none"), reason: diagnose.ScriptFailed,
			message: "task.yaml:33: TypeError: the JSON object must be str, bytes or bytearray, not NoneType", remedy: want, place: at(33),
		}.check(t)
	}
}

// TestRemediesAreForTheirCauseAlone reads exceptions that resemble those with a known remedy.
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
			place, _ := placeOf(test.message)
			ended{
				task: test.task, code: 1, lines: lines, reason: diagnose.ScriptFailed,
				message: test.message, place: place,
			}.check(t)
		})
	}
}

func TestCodeElsewhere(t *testing.T) {
	folded := script(plan.RuntimePython, "/var/data/function.py")
	folded.Container.Files[0].Line = 0
	folded.Container.Files[0].Origin = plan.Origin{File: "task.yaml", Line: 12, Field: "spec.python.inline.code"}
	fetched := plan.Task{}
	fetched.Runtime = plan.RuntimePython
	words := plan.Task{}
	for name, e := range map[string]ended{
		"folded": {task: folded, message: "task.yaml:12 (line 2 of the code): ValueError: x", lines: []string{
			"Traceback (most recent call last):", `  File "/var/data/function.py", line 2, in <module>`, "ValueError: x",
		}},
		"fetched": {task: fetched, message: "<stdin>:2: ValueError: x", lines: []string{
			"Traceback (most recent call last):", `  File "<stdin>", line 2, in <module>`, "ValueError: x",
		}},
		"an image's own": {task: words, message: "/app/lib.py:7: ValueError: x", lines: []string{
			"Traceback (most recent call last):", `  File "/app/main.py", line 2, in <module>`, `  File "/app/lib.py", line 7, in f`, "ValueError: x",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e.code, e.reason = 1, diagnose.ScriptFailed
			e.check(t)
		})
	}
}

// TestShellEnds reads the words of dash, bash, busybox, zsh, env, nohup, timeout and xargs.
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
			code: 127, lines: []string{"deploying", line},
			reason: diagnose.CommandNotFound, message: `command "nosuch" was not found`, remedy: fix,
		}.check(t)
	}
	for _, line := range []string{"dash: 1: ./x: not found", "bash: ./x: No such file or directory", "bash: line 1: ./x: cannot execute: required file not found"} {
		ended{
			code: 127, lines: []string{line}, reason: diagnose.CommandNotFound,
			message: `"./x" was not found, or the interpreter that its first line names was not`, remedy: fix,
		}.check(t)
	}
	for line, why := range map[string]string{"sh: /x: Permission denied": "permission denied", "bash: line 1: /x: Is a directory": "is a directory"} {
		ended{
			code: 126, lines: []string{line}, reason: diagnose.CommandNotRunnable,
			message: `"/x" cannot be executed: ` + why,
			remedy:  "make the file executable (chmod +x), or start it through its interpreter: sh FILE",
		}.check(t)
	}
	for _, line := range []string{"sh: /x: Argument list too long", "dash: 1: /x: Argument list too long", "bash: line 1: /x: Argument list too long"} {
		ended{
			code: 126, lines: []string{line}, reason: diagnose.ArgumentsTooLong,
			message: `"/x" cannot be executed: its arguments and the environment together are longer than Linux accepts`,
			remedy:  "pass fewer arguments at a time (xargs), or through a file or a pipe",
		}.check(t)
	}
	for _, line := range []string{"dash: 1: /x: Exec format error", "bash: /x: cannot execute binary file: Exec format error"} {
		ended{
			code: 126, lines: []string{line}, reason: diagnose.WrongArchitecture,
			message: `"/x" is built for another architecture than the engine's, or is a script without a #! line`,
			remedy:  "use an image for the engine's architecture", option: diagnose.OptionPlatform,
		}.check(t)
	}
}

// TestKilledUnderALimit reads a SIGKILL for which the engine reports no reason.
func TestKilledUnderALimit(t *testing.T) {
	ended{
		task: limited(plan.Task{}, 64<<20), code: 137, signal: "SIGKILL",
		remedy: "a process was killed by SIGKILL: if it was short of memory, raise the limit of 64Mi",
	}.check(t)
}

func TestNoFork(t *testing.T) {
	forking := plan.Task{}
	forking.Container.Limits.Pids = 100
	for _, line := range []string{
		"sh: can't fork: Resource temporarily unavailable", "dash: 0: Cannot fork", "bash: fork: Resource temporarily unavailable",
	} {
		ended{
			task: forking, code: 2, lines: []string{line},
			remedy: "a process could not be started: let the task use less than 100 processes and threads at a time", option: diagnose.OptionPids,
		}.check(t)
	}
	unlimited := ended{code: 2, lines: []string{"dash: 0: Cannot fork"}}
	unlimited.check(t)
}

func TestFileSystemEnds(t *testing.T) {
	box := plan.Task{}
	box.Container.Security.ReadOnlyRootfs = true
	box.Container.Tmpfs = []plan.Tmpfs{
		{Name: "work", Path: "/scratch", SizeBytes: 1 << 30, Origin: plan.Origin{File: "task.yaml", Line: 20, Field: "v[0]"}},
		{Name: "work", Path: "/scratch/fixed", SubPath: "f", SizeBytes: 1 << 30, ReadOnly: true, Origin: plan.Origin{File: "task.yaml", Line: 21, Field: "v[1]"}},
	}
	box.Container.Mounts = []plan.Mount{{Source: "/home/me", Target: "/me", ReadOnly: true, Origin: plan.Flag("mount")}}
	box.Container.Origins = []plan.Part{{Name: "security", Origin: plan.Origin{File: "task.yaml", Line: 9, Field: "s"}}}
	bounded := limited(plan.Task{}, 3<<30)
	bounded.Container.Tmpfs = []plan.Tmpfs{{Name: "work", Path: "/scratch", SizeBytes: 3 << 30}}
	bounded.Container.Origins = []plan.Part{{Name: "limits.memory", Origin: plan.Origin{File: "task.yaml", Line: 7, Field: "m"}}}
	const (
		unbound = "write less, or set resources.limits.memory: the volume then has that size"
		root    = "write to a volume (volumeMounts), or leave readOnlyRootFilesystem out"
		mounts  = "leave readOnly out of the mount, or write elsewhere"
	)
	for line, e := range map[string]ended{
		"sh: can't create /x: Read-only file system":                           {task: box, reason: diagnose.ReadOnlyFileSystem, remedy: root, message: "/x is on the root file system, which is read-only (task.yaml:9 s)"},
		"/run.sh: line 3: /etc/x: Read-only file system":                       {task: box, reason: diagnose.ReadOnlyFileSystem, remedy: root, message: "/etc/x is on the root file system, which is read-only (task.yaml:9 s)"},
		"touch: cannot touch '/scratch/fixed/x': Read-only file system":        {task: box, reason: diagnose.ReadOnlyFileSystem, remedy: mounts, message: `/scratch/fixed/x is on volume "work", which is mounted read-only (task.yaml:21 v[1])`},
		"open /me/x: read-only file system":                                    {task: box, reason: diagnose.ReadOnlyFileSystem, remedy: mounts, message: "/me/x is on the mount of /home/me, which is read-only (flag --mount)"},
		"touch: x: Read-only file system":                                      {task: box},
		"dd: error writing '/scratch/x': No space left on device":              {task: box, reason: diagnose.VolumeFull, remedy: unbound, message: `volume "work" at /scratch is full: its size is 1Gi, as there is no memory limit`},
		"write /scratch/x: no space left on device":                            {task: bounded, reason: diagnose.VolumeFull, remedy: "write less, or raise resources.limits.memory", message: `volume "work" at /scratch is full: its size is 3Gi, that of the memory limit (task.yaml:7 m), or half of the engine's memory if that is less`},
		"sh: write error: No space left on device":                             {task: box, remedy: `either volume "work" at /scratch is full, its size is 1Gi, as there is no memory limit, or the engine's disk is`},
		"sh: line 1:    12 Killed                  tail /dev/zero":             {task: bounded, remedy: "a process was killed by SIGKILL: if it was short of memory, raise the limit of 3Gi (task.yaml:7 m)"},
		"cp: cannot create regular file '/proc/x': Read-only file system":      {task: box},
		"cp: cannot create regular file '/scratch/x/y': Read-only file system": {task: box},
	} {
		t.Run(line, func(t *testing.T) {
			e.code = 1
			e.lines = []string{line}
			if strings.HasPrefix(line, "dd:") {
				e.lines = append(e.lines, "1025+0 records in", "1024+0 records out")
			}
			e.check(t)
		})
	}
}

func TestOutOfMemory(t *testing.T) {
	volume := limited(plan.Task{}, 64<<20)
	volume.Container.Tmpfs = []plan.Tmpfs{{Name: "work", Path: "/scratch"}}
	ended{code: 137, oom: true, reason: diagnose.OOMKilled, message: "out of memory", remedy: "give the engine more memory, or let the task use less"}.check(t)
	ended{
		task: volume, code: 137, oom: true, reason: diagnose.OOMKilled, message: "out of memory, the limit is 64Mi",
		remedy: `raise resources.limits.memory, or let the task use less; what it writes to volume "work" counts`,
	}.check(t)
}
