package engine

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/ktask/ktask/engine/plan"
)

// evidence is what an attempt that failed has left.
type evidence struct {
	task plan.Task
	exit Exit
	// said are the last lines of the output, see listener; without colours.
	said []string
}

// cause is why an attempt failed, as far as it goes beyond its exit code.
type cause struct {
	// reason is "" where no more is known than that the task failed.
	reason  Reason
	message string
	// remedy tells the user what to do, or is "".
	remedy string
	// place is the line of a manifest that failed ("task.yaml:31"), or "".
	place plan.Origin
}

// causes are asked in this order; the first that knows is heard. None guesses: each reads words that a shell, an
// interpreter or the C library says in one case alone, at the end of the output, where nothing came after them. What can
// have another origin is told as what it is, or as a hint.
var causes = []func(evidence) (cause, bool){
	knownToEngine,
	notExecuted,
	exceptionThrown,
	fileSystem,
	notForked,
	killedInside,
	tracebackTold,
}

// explain adds the cause of a failure to its verdict. The output itself is told by reporters, unchanged.
func explain(v verdict, task plan.Task, exit Exit, said []string) verdict {
	switch {
	case v.status == TimedOut && exit.Stopped && exit.Signal == "SIGKILL":
		v.message += fmt.Sprintf("; it did not end on the stop signal and was killed after its grace of %v", task.Container.Grace)
		return v
	case v.status != Failed:
		return v
	case exit.OOMKilled:
		return outOfMemory(v, exit, task.Container)
	case exit.Stopped:
		return v
	}
	e := evidence{task: task, exit: exit, said: uncoloured(said)}
	for _, known := range causes {
		c, ok := known(e)
		if !ok {
			continue
		}
		v.reason, v.remedy, v.place = cmp.Or(exit.Reason, c.reason), c.remedy, c.place
		exit.Message = strings.Join(withoutEmpty(strings.TrimSpace(exit.Message), c.message), "\n")
		v.message = exitText(exit)
		break
	}
	return v
}

func withoutEmpty(texts ...string) []string {
	var all []string
	for _, t := range texts {
		if t != "" {
			all = append(all, t)
		}
	}
	return all
}

// escapes are the sequences with which programs colour what they write.
var escapes = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)

// uncoloured takes off what only terminals understand.
func uncoloured(lines []string) []string {
	plain := make([]string, len(lines))
	for i, line := range lines {
		plain[i] = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && r != '\t' {
				return -1
			}
			return r
		}, escapes.ReplaceAllString(line, ""))
	}
	return plain
}

// last is the last line of the output that has a text, or "". What dd counts below its error is none.
func (e evidence) last() string {
	for i := len(e.said) - 1; i >= 0; i-- {
		if !blank(e.said[i]) && !ddCount.MatchString(e.said[i]) {
			return strings.TrimSpace(e.said[i])
		}
	}
	return ""
}

var ddCount = regexp.MustCompile(`^\d+\+\d+ records (in|out)$|^\d+ bytes .*copied`)

// knownToEngine adds a remedy to what the engine itself found out.
func knownToEngine(e evidence) (c cause, ok bool) {
	from := in(e.task.Container.Origin("command"))
	switch e.exit.Reason {
	case CommandNotFound:
		c.remedy = "correct the command" + from + ", or use an image that has it"
	case CommandNotRunnable:
		c.remedy = "make the file executable (chmod +x), or start it through its interpreter" + from
	case WrongArchitecture:
		c.remedy = "use an image for the engine's architecture, or name another with --platform"
	case "":
		return c, false
	}
	return c, true
}

// in names a place in parentheses, if there is one.
func in(from plan.Origin) string {
	if from == "" {
		return ""
	}
	return " (" + string(from) + ")"
}

// notExecuted reads what shells, and programs that start others, say before they exit with 126 or 127.
func notExecuted(e evidence) (c cause, ok bool) {
	line := e.last()
	name, why := complaint(line)
	path := strings.Contains(name, "/")
	switch {
	case name == "":
		return c, false
	case e.exit.Code == 127 && (why == "not found" || why == "No such file or directory" || why == "required file not found"):
		c = cause{
			reason: CommandNotFound, message: fmt.Sprintf("command %q was not found", name),
			remedy: "correct its name, or use an image that has it",
		}
		if path {
			c.message = fmt.Sprintf("%q was not found, or the interpreter that its first line names was not", name)
		}
		return c, true
	case e.exit.Code == 126 && why == "Exec format error":
		return cause{
			reason:  WrongArchitecture,
			message: fmt.Sprintf("%q is built for another architecture than the engine's, or is a script without a #! line", name),
			remedy:  "use an image for the engine's architecture, or name another with --platform",
		}, true
	case e.exit.Code == 126 && (why == "Permission denied" || why == "Is a directory"):
		return cause{
			reason: CommandNotRunnable, message: fmt.Sprintf("%q cannot be executed: %s", name, strings.ToLower(why)),
			remedy: "make the file executable (chmod +x), or start it through its interpreter: sh FILE",
		}, true
	}
	return c, false
}

// complaint takes a shell's words apart: "sh: 1: tool: not found" complains of tool, that it was not found. The words
// in the middle are those of bash, exec, env, nohup and timeout.
func complaint(line string) (name, why string) {
	if _, name, ok := strings.Cut(line, ": command not found: "); ok { // zsh
		return name, "not found"
	}
	end := strings.LastIndex(line, ": ")
	if end < 0 {
		return "", ""
	}
	why = strings.TrimPrefix(strings.TrimPrefix(line[end+2:], "command "), "cannot execute: ")
	line = strings.TrimSuffix(strings.TrimSuffix(line[:end], ": cannot execute binary file"), ": cannot execute")
	begin := strings.LastIndex(line, ": ")
	if begin < 0 {
		return "", ""
	}
	name = line[begin+2:]
	for _, words := range []string{"failed to run command ", "can't execute "} {
		name = strings.TrimPrefix(name, words)
	}
	return strings.Trim(name, `'"‘’`), why
}

// noFork are the words of busybox, dash and bash for a process that the kernel does not give them.
var noFork = regexp.MustCompile(`can't fork|Cannot fork|fork: (?:retry: )?Resource temporarily unavailable`)

// notForked is a hint and no cause: limits of a user (RLIMIT_NPROC) and of the machine read the same.
func notForked(e evidence) (c cause, ok bool) {
	limit := e.task.Container.Limits.Pids
	if limit == 0 || !noFork.MatchString(e.last()) {
		return c, false
	}
	return cause{remedy: fmt.Sprintf("a process could not be started: the task may have %d processes and threads at a time, --pids-limit gives it more", limit)}, true
}

// killedInside reads what a shell says of a child that SIGKILL ended. Kernels kill so where memory runs out, and so
// does whoever calls kill: the engine has told of no OOM kill, so this is no cause, but a hint.
func killedInside(e evidence) (c cause, ok bool) {
	limit := e.task.Container.Limits.MemoryBytes
	if limit == 0 || e.exit.Signal != "SIGKILL" && !shellKilled.MatchString(e.last()) {
		return c, false
	}
	return cause{remedy: fmt.Sprintf("a process was killed by SIGKILL: if it was short of memory, raise the limit of %s%s",
		quantity(limit), in(e.task.Container.Origin("limits.memory")))}, true
}

var shellKilled = regexp.MustCompile(`(^|[\s:])Killed\b`)

// file finds the file of the container that a frame is in.
func (e evidence) file(f frame) (plan.File, bool) {
	for _, file := range e.task.Container.Files {
		if file.Path == f.path {
			return file, true
		}
	}
	return plan.File{}, false
}

// manifestLine is the line of a manifest that holds a line of code, or "" where none does.
func (e evidence) manifestLine(f frame) plan.Origin {
	file, ok := e.file(f)
	manifest, _ := position(file.Origin)
	if !ok || manifest == "" || file.Line == 0 {
		return ""
	}
	return plan.Origin(manifest + ":" + strconv.Itoa(file.Line+f.line-1))
}

// place is a line of code as the user knows it: a line of the manifest where that holds it.
func (e evidence) place(f frame) string {
	if line := e.manifestLine(f); line != "" {
		return string(line)
	}
	if file, ok := e.file(f); ok {
		if manifest, line := position(file.Origin); manifest != "" {
			// The code is quoted or folded: its lines are others than the manifest's.
			return fmt.Sprintf("%s:%s (line %d of the code)", manifest, line, f.line)
		}
	}
	return f.path + ":" + strconv.Itoa(f.line)
}

// position takes the origin of a value of a manifest apart: "task.yaml:14 spec.python.inline.code". Others have no file.
func position(o plan.Origin) (file, line string) {
	if m := positions.FindStringSubmatch(string(o)); m != nil {
		return m[1], m[2]
	}
	return "", ""
}

var positions = regexp.MustCompile(`^(.+):(\d+) \S+$`)
