package engine

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// exceptionThrown reads the exception that ended a script of Python or Deno. Both then exit with 1.
func exceptionThrown(e evidence) (cause, bool) {
	if e.exit.Code != 1 {
		return cause{}, false
	}
	if x, from, ok := pythonEnd(e.said); ok && e.runs(from) {
		return thrown(e, x), true
	}
	if x, ok := denoEnd(e.said); ok && e.task.Runtime == plan.RuntimeDeno {
		return thrown(e, x), true
	}
	return cause{}, false
}

// runs is true where a frame can be the outermost of the task's own program, and not of one that it started.
func (e evidence) runs(outermost frame) bool {
	_, ours := e.file(outermost)
	return e.task.Runtime != plan.RuntimePython || ours || outermost.path == fetched
}

// fetched is the path of a script that Keptn's python runtime has downloaded.
const fetched = "<stdin>"

// tracebackTold is a hint and no cause: Python ends an exception whose message has several lines in the same way as a
// script ends that has caught one, tells of it, and gives up. What a thread or a child writes is no more than a hint either.
func tracebackTold(e evidence) (cause, bool) {
	if e.exit.Code != 1 {
		return cause{}, false
	}
	said := notIgnored(e.said)
	t, ok := lastTraceback(said)
	if !ok && len(e.said) == keptLines {
		t, ok = tracebackCut(said)
	}
	if !ok {
		return cause{}, false
	}
	c := thrown(e, t.exception)
	return cause{message: "the last traceback: " + c.message, place: c.place}, true
}

// thrown says what an exception means, and where it was.
func thrown(e evidence, x exception) cause {
	own, at := e.own(x.frames), frame{}
	c := meaning(e, x)
	text := cmp.Or(c.message, brief(x.text))
	if len(own) > 0 {
		text = e.place(own[0]) + ": " + text
		c.place = e.manifestLine(own[0])
		at, own = own[0], own[1:]
	}
	c.message = text
	if calls := e.calls(own); calls != "" {
		c.message += "\n" + calls
	}
	c.message += e.listed("in it", x.parts, at) + e.listed("caused by", x.causes, at)
	return c
}

// listed tells of the exceptions that belong to another one, a line each; of the place where that is another.
func (e evidence) listed(label string, all []exception, at frame) string {
	const shown = 3
	var text string
	for i, x := range all {
		if i == shown {
			return text + fmt.Sprintf("\n%s: %d more", label, len(all)-shown)
		}
		text += "\n" + label + ": "
		if own := e.own(x.frames); len(own) > 0 && own[0] != at {
			text += e.place(own[0]) + ": "
		}
		text += brief(x.text)
	}
	return text
}

// own are the frames in the code that the manifest brings along, or where none is the innermost of all.
func (e evidence) own(frames []frame) []frame {
	var own []frame
	for _, f := range frames {
		if _, ours := e.file(f); ours {
			own = append(own, f)
		}
	}
	if own == nil {
		own = frames[:min(1, len(frames))]
	}
	return own
}

// calls shows how the place of an exception was reached.
func (e evidence) calls(frames []frame) string {
	const shown = 3
	frames = slices.Compact(frames) // recursion
	var places []string
	for _, f := range frames[:min(shown, len(frames))] {
		places = append(places, e.place(f))
	}
	if len(places) == 0 {
		return ""
	}
	return "called from " + strings.Join(places, ", from ")
}

// brief shortens the text of an exception, which a program may have made of anything.
func brief(s string) string {
	const most = 400
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// meaning says what stands behind an exception where that is known; its message is "" where the exception's own says it.
func meaning(e evidence, x exception) cause {
	if c, ok := fileTrouble(e.task.Container, x.text); ok {
		return c
	}
	switch e.task.Runtime {
	case plan.RuntimePython:
		return pythonMeaning(e, x)
	case plan.RuntimeDeno:
		return denoMeaning(e, x)
	}
	return cause{reason: ScriptFailed}
}

// inManifest is the text of an exception that names lines of the code, with those of the manifest in their place.
func (e evidence) inManifest(x exception) string {
	return codeLine.ReplaceAllStringFunc(brief(x.text), func(words string) string {
		line, err := strconv.Atoi(strings.TrimPrefix(words, "line "))
		if err != nil || e.manifestLine(x.frames[0]) == "" {
			return words
		}
		return e.place(frame{x.frames[0].path, line})
	})
}

var codeLine = regexp.MustCompile(`\bline \d+`)

// What Keptn's runtimes give to a script: their Dockerfiles and entrypoints, rules 64 to 69.
const (
	pythonHas = "Keptn's python runtime has the standard library, requests, yaml and git (GitPython) alone: use a container task with an image of your own for more"
	denoHas   = "it has --allow-net, --allow-read, --allow-write and --allow-env=DATA,SECURE_DATA,KEPTN_CONTEXT"
	denoLoads = "a task is a single file: import by URL, or by a specifier that begins with npm: or jsr:"
	denoFrom  = "without it deno imports from deno.land, jsr.io, esm.sh, cdn.jsdelivr.net, and githubusercontent.com's raw and gist alone; a container task can do more"
	asUser    = "Keptn's runtimes run a script as user 1000"
)

var (
	noModule   = regexp.MustCompile(`^ModuleNotFoundError: No module named '([\w.]+)'`)
	noName     = regexp.MustCompile(`^NameError: name '(\w+)' is not defined`)
	noKey      = regexp.MustCompile(`^KeyError: '(\w+)'$`)
	notFile    = regexp.MustCompile(`^(?:TypeError: )?(?:Module not found "file:|Import "[^"]*" not a dependency|Relative import path )`)
	notCapable = regexp.MustCompile(`^((?:(?:NotCapable|PermissionDenied|TypeError): )?Requires (\w+) access.*), run again with the (--allow-[\w-]+) flag$`)
)

// usualModules are those that scripts most often forget to import: nothing is imported for them (rule 69).
var usualModules = []string{
	"os", "sys", "json", "re", "time", "datetime", "math", "random", "subprocess", "logging", "base64", "requests", "yaml", "git",
}

func pythonMeaning(e evidence, x exception) cause {
	if m := noModule.FindStringSubmatch(x.text); m != nil {
		return cause{reason: ModuleNotFound, remedy: pythonHas}
	}
	if m := noName.FindStringSubmatch(x.text); m != nil && slices.Contains(usualModules, m[1]) {
		return cause{reason: ScriptFailed, remedy: "add: import " + m[1]}
	}
	// Any dictionary may lack a key; the variables are in one of os.
	if m := noKey.FindStringSubmatch(x.text); m != nil && (x.frames[0].path == "<frozen os>" || strings.HasSuffix(x.frames[0].path, "/os.py")) {
		return cause{reason: ScriptFailed, remedy: notGiven(e.task, m[1])}
	}
	if x.named(notCompiled...) {
		return cause{reason: ScriptFailed, message: e.inManifest(x)}
	}
	if x.named("PermissionError") && strings.Contains(x.text, "[Errno 13]") {
		return notAllowed(pythonWrites.MatchString(x.code) && !strings.Contains(x.code, "read"))
	}
	return cause{reason: ScriptFailed}
}

// notAllowed is for what the user of Keptn's runtimes may not do, by whether it is known to write.
func notAllowed(writes bool) cause {
	c := cause{reason: PermissionDenied, remedy: asUser + ", who may not do this; what is to be written goes below /tmp"}
	if writes {
		c.remedy = asUser + ": write below /tmp"
	}
	return c
}

// What writes: the operations as Deno names them, and calls in Python's lines of code.
var (
	denoWrites   = regexp.MustCompile(`\(os error 13\): (?:writefile|mkdir|symlink|truncate|tmpfile|tmpdir)\b`)
	pythonWrites = regexp.MustCompile(`\bopen\([^()]*,\s*(?:mode=)?["'][rb]*[wax+]|\.write_(?:text|bytes)\(|\bmk(?:dir|dtemp|stemp)\(|\bmakedirs\(`)
)

// notGiven says how a task gets a variable that a runtime sets and its container does not have.
func notGiven(t plan.Task, name string) string {
	if slices.ContainsFunc(t.Container.Env, func(v plan.EnvVar) bool { return v.Name == name }) {
		return ""
	}
	switch name {
	case "DATA":
		return fmt.Sprintf("DATA is set where there are parameters: give spec.%s.parameters.map, or --param NAME=VALUE", t.Runtime)
	case "SECURE_DATA":
		return fmt.Sprintf("SECURE_DATA is set where there is a secret: give spec.%s.secureParameters.secret", t.Runtime)
	}
	return ""
}

func denoMeaning(e evidence, x exception) cause {
	if m := notCapable.FindStringSubmatch(x.text); m != nil {
		// Deno's own advice cannot be followed: the flags are Keptn's.
		c := cause{reason: PermissionDenied, message: fmt.Sprintf("%s (%s, which Keptn's deno runtime does not give)", brief(m[1]), m[3])}
		c.remedy = denoHas + "; a container task can do more"
		switch {
		case m[2] == "env" && strings.Contains(m[1], `"`): // without a name all are asked for, as node:child_process does
			c.remedy = denoHas + "; pass the value as a parameter, it is then part of DATA"
		case m[2] == "import":
			c.remedy = denoFrom
		}
		return c
	}
	switch {
	case notFile.MatchString(x.text):
		return cause{reason: ModuleNotFound, remedy: denoLoads}
	case x.text == `SyntaxError: "undefined" is not valid JSON`:
		return cause{reason: ScriptFailed, remedy: e.parsedNothing(x)}
	case x.named("PermissionDenied") && strings.Contains(x.text, "(os error 13)"):
		return notAllowed(denoWrites.MatchString(x.text))
	}
	return cause{reason: ScriptFailed}
}

// parsedNothing is for a variable that is not set and is parsed as JSON. The line that does so tells which, or it is the
// only one that the script reads.
func (e evidence) parsedNothing(x exception) string {
	read := envRead.FindAllStringSubmatch(x.code, -1)
	if own := e.own(x.frames); read == nil && len(own) > 0 {
		file, _ := e.file(own[0])
		read = envRead.FindAllStringSubmatch(string(file.Content), -1)
	}
	if len(read) != 1 {
		return ""
	}
	return notGiven(e.task, read[0][1])
}

var envRead = regexp.MustCompile("Deno\\.env\\.get\\(\\s*[\"'`](\\w+)")
