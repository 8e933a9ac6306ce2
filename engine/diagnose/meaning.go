package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// What Keptn's runtimes give to a script, by their Dockerfiles and entrypoints.
const (
	pythonHas = "Keptn's python runtime has the standard library, requests, yaml and git (GitPython) alone: use a container task with an image of your own for more"
	denoHas   = "it has --allow-net, --allow-read, --allow-write and --allow-env=DATA,SECURE_DATA,KEPTN_CONTEXT"
	denoLoads = "a task is a single file: import by URL, or by a specifier that begins with npm: or jsr:"
	denoFrom  = "without it deno imports from deno.land, jsr.io, esm.sh, cdn.jsdelivr.net, and githubusercontent.com's raw and gist alone; a container task can do more"
	asUser    = "Keptn's runtimes run a script as user 1000"
)

var (
	noModule   = compiled(`^ModuleNotFoundError: No module named '([\w.]+)'`)
	noName     = compiled(`^NameError: name '(\w+)' is not defined`)
	noKey      = compiled(`^KeyError: '(\w+)'$`)
	notFile    = compiled(`^(?:TypeError: )?(?:Module not found "file:|Import "[^"]*" not a dependency|Relative import path )`)
	notCapable = compiled(`^((?:(?:NotCapable|PermissionDenied|TypeError): )?Requires (\w+) access.*), run again with the (--allow-[\w-]+) flag$`)
	envAccess  = compiled(`"(\w*)"`)
	codeLine   = compiled(`\bline \d+`)
	envRead    = compiled("(?:Deno\\.env\\.get|\\bgetenv|\\benviron\\.get)\\(\\s*[\"'`](\\w+)")
	// environAs matches another name for Python's environ.
	environAs = compiled(`\benviron as (\w+)`)
	// noneParsed and noneUsed match what Python says of the value of a variable that is not set.
	noneParsed = compiled(`^TypeError: the JSON object must be str, bytes or bytearray, not NoneType`)
	noneUsed   = compiled(`^(?:TypeError|AttributeError): .*'NoneType' object`)
	// denoWrites and pythonWrites match what writes: operations as Deno names them, and calls in Python's lines of code.
	denoWrites   = compiled(`\(os error 13\): (?:writefile|mkdir|symlink|truncate|tmpfile|tmpdir)\b`)
	pythonWrites = compiled(`\bopen\([^()]*,\s*(?:mode=)?["'][rb]*[wax+]|\.write_(?:text|bytes)\(|\bmk(?:dir|dtemp|stemp)\(|\bmakedirs\(`)
)

// usualModules are the modules whose import scripts most often forget: the runtime imports none.
var usualModules = []string{
	"os", "sys", "json", "re", "time", "datetime", "math", "random", "subprocess", "logging", "base64", "requests", "yaml", "git",
}

// meaning returns what an exception means. The message is "" if the text of the exception says it all.
func (f Failure) meaning(x exception) Cause {
	if c, ok := fileSystemError(f.Task.Container, x.text); ok {
		return c
	}
	switch f.Task.Runtime {
	case plan.RuntimePython:
		return f.pythonMeaning(x)
	case plan.RuntimeDeno:
		return f.denoMeaning(x)
	}
	return Cause{Reason: ScriptFailed}
}

func (f Failure) pythonMeaning(x exception) Cause {
	if noModule().MatchString(x.text) {
		return Cause{Reason: ModuleNotFound, Remedy: Remedy{Text: pythonHas}}
	}
	if m := noName().FindStringSubmatch(x.text); m != nil && slices.Contains(usualModules, m[1]) {
		return Cause{Reason: ScriptFailed, Remedy: Remedy{Text: "add: import " + m[1]}}
	}
	// Any dictionary may lack a key; the variables are in one of os.
	if m := noKey().FindStringSubmatch(x.text); m != nil && (x.frames[0].path == "<frozen os>" || strings.HasSuffix(x.frames[0].path, "/os.py")) {
		return Cause{Reason: ScriptFailed, Remedy: howToSet(f.Task, m[1])}
	}
	if noneParsed().MatchString(x.text) {
		return Cause{Reason: ScriptFailed, Remedy: f.undefinedVariable(x)}
	}
	if read := f.variablesRead(x, x.code); len(read) == 1 && noneUsed().MatchString(x.text) {
		return Cause{Reason: ScriptFailed, Remedy: howToSet(f.Task, read[0])}
	}
	if x.is(compileErrors...) {
		return Cause{Reason: ScriptFailed, Message: f.withManifestLines(x)}
	}
	if x.is("PermissionError") && strings.Contains(x.text, "[Errno 13]") {
		return notPermitted(pythonWrites().MatchString(x.code) && !strings.Contains(x.code, "read"))
	}
	return Cause{Reason: ScriptFailed}
}

// withManifestLines returns the text of an exception with lines of the manifest in place of lines of the code.
func (f Failure) withManifestLines(x exception) string {
	return codeLine().ReplaceAllStringFunc(shorten(x.text), func(words string) string {
		line, err := strconv.Atoi(strings.TrimPrefix(words, "line "))
		if err != nil || !f.manifestLine(x.frames[0]).Known() {
			return words
		}
		return f.place(frame{x.frames[0].path, line})
	})
}

// notPermitted explains what the user of Keptn's runtimes may not do. writes reports whether it is known to be a write.
func notPermitted(writes bool) Cause {
	c := Cause{Reason: PermissionDenied, Remedy: Remedy{Text: asUser + ", who may not do this; what is to be written goes below /tmp"}}
	if writes {
		c.Remedy = Remedy{Text: asUser + ": write below /tmp"}
	}
	return c
}

// field returns the field of the runner of a deno or python task. In old manifests it is function.
func field(t plan.Task) string {
	for _, f := range t.Container.Files {
		if strings.HasPrefix(f.Origin.Field, "spec.function.") {
			return "function"
		}
	}
	return string(t.Runtime)
}

// howToSet returns how a task gets a variable that its runtime can set, if the container does not have it already.
func howToSet(t plan.Task, name string) Remedy {
	if slices.ContainsFunc(t.Container.Env, func(v plan.EnvVar) bool { return v.Name == name }) {
		return Remedy{}
	}
	switch name {
	case "DATA":
		return Remedy{Text: fmt.Sprintf("DATA is set if there are parameters: give spec.%s.parameters.map", field(t)), Option: OptionParams}
	case "SECURE_DATA":
		return Remedy{Text: fmt.Sprintf("SECURE_DATA is set if there is a secret: give spec.%s.secureParameters.secret", field(t))}
	case "SECRET_DATA":
		return Remedy{Text: "read SECURE_DATA: Keptn does not set SECRET_DATA"}
	case "CONTEXT":
		return Remedy{Text: "read KEPTN_CONTEXT: Keptn 0.9 renamed CONTEXT"}
	}
	return Remedy{}
}

func (f Failure) denoMeaning(x exception) Cause {
	if m := notCapable().FindStringSubmatch(x.text); m != nil {
		// The advice of Deno cannot be followed: the flags are Keptn's.
		c := Cause{Reason: PermissionDenied, Message: fmt.Sprintf("%s (%s, which Keptn's deno runtime does not give)", shorten(m[1]), m[3])}
		c.Remedy = Remedy{Text: denoHas + "; a container task can do more"}
		switch {
		case m[2] == "env" && !envAccess().MatchString(m[1]) && strings.Contains(x.code, "toObject"):
			c.Remedy = Remedy{Text: "read each variable with Deno.env.get(NAME): toObject needs access to all; Keptn sets DATA, SECURE_DATA and KEPTN_CONTEXT (CONTEXT before 0.9)"}
		case m[2] == "env" && envAccess().MatchString(m[1]): // without a name it asks for all, as node:child_process does
			c.Remedy = Remedy{Text: denoHas + "; pass the value as a parameter, it is then part of DATA"}
			if renamed := howToSet(f.Task, envAccess().FindStringSubmatch(m[1])[1]); renamed != (Remedy{}) {
				c.Remedy = renamed
			}
		case m[2] == "import":
			c.Remedy = Remedy{Text: denoFrom}
		}
		return c
	}
	switch {
	case notFile().MatchString(x.text):
		return Cause{Reason: ModuleNotFound, Remedy: Remedy{Text: denoLoads}}
	case x.text == `SyntaxError: "undefined" is not valid JSON`:
		return Cause{Reason: ScriptFailed, Remedy: f.undefinedVariable(x)}
	case x.is("PermissionDenied") && strings.Contains(x.text, "(os error 13)"):
		return notPermitted(denoWrites().MatchString(x.text))
	}
	return Cause{Reason: ScriptFailed}
}

// undefinedVariable returns the remedy for a variable that is parsed as JSON and is not set. The line of code names it,
// or it is the only one that the script reads.
func (f Failure) undefinedVariable(x exception) Remedy {
	read := f.variablesRead(x, x.code)
	if read == nil {
		read = f.variablesRead(x, f.source(x))
	}
	if len(read) != 1 {
		return Remedy{}
	}
	return howToSet(f.Task, read[0])
}

// source returns the code of the manifest that threw an exception, or "".
func (f Failure) source(x exception) string {
	own := f.ownFrames(x.frames)
	if len(own) == 0 {
		return ""
	}
	file, _ := f.file(own[0])
	return string(file.Content)
}

// variablesRead returns the names of the variables that code reads. The script may have another name for environ.
func (f Failure) variablesRead(x exception, code string) (names []string) {
	if alias := environAs().FindStringSubmatch(f.source(x)); alias != nil && f.Task.Runtime == plan.RuntimePython {
		code = regexp.MustCompile(`\b`+alias[1]+`\.get\(`).ReplaceAllString(code, "environ.get(")
	}
	for _, read := range envRead().FindAllStringSubmatch(code, -1) {
		names = append(names, read[1])
	}
	return names
}
