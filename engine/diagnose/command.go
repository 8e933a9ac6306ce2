package diagnose

import (
	"fmt"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// outOfMemory explains an attempt that the engine reports as killed for lack of memory.
func outOfMemory(f Failure) (Cause, bool) {
	c := Cause{Reason: OOMKilled, Message: "out of memory", Remedy: Remedy{Text: "give the engine more memory, or let the task use less"}}
	if limit := f.Task.Container.Limits.MemoryBytes; limit > 0 {
		c.Message += ", the limit is " + plan.Bytes(limit) + in(f.Task.Container.Origin("limits.memory"))
		c.Remedy = Remedy{Text: "raise resources.limits.memory, or let the task use less"}
		if volumes := f.Task.Container.Tmpfs; len(volumes) > 0 { // Kubernetes counts memory-backed volumes as memory of the container
			c.Remedy.Text += fmt.Sprintf("; what it writes to volume %q counts", volumes[0].Name)
		}
	}
	return c, f.OOMKilled
}

// foundByEngine adds a remedy to a reason of the engine.
func foundByEngine(f Failure) (c Cause, ok bool) {
	from := in(f.Task.Container.Origin("command"))
	switch f.Reason {
	case CommandNotFound:
		c.Remedy = Remedy{Text: "correct the command" + from + ", or use an image that has it"}
	case CommandNotRunnable:
		c.Remedy = Remedy{Text: "make the file executable (chmod +x), or start it through its interpreter" + from}
	case WrongArchitecture:
		c.Remedy = otherImage
	case NoCommand:
		c.Remedy = Remedy{Text: "set command in the container, or use an image that has one"}
	case ArgumentsTooLong:
		c.Remedy = Remedy{Text: "pass fewer or shorter values (envFrom passes every key of a ConfigMap or Secret), and let the task read large ones from a file or a URL"}
	case "":
		return c, false
	}
	return c, true
}

// otherImage is the remedy for a program of another architecture.
var otherImage = Remedy{Text: "use an image for the engine's architecture", Option: OptionPlatform}

// notExecuted reads what shells, and programs that start others, write before they exit with 126 or 127.
func notExecuted(f Failure) (c Cause, ok bool) {
	name, why := complaint(f.lastLine())
	path := strings.Contains(name, "/")
	switch {
	case name == "":
		return c, false
	case f.ExitCode == 127 && (why == "not found" || why == "No such file or directory" || why == "required file not found"):
		c = Cause{
			Reason: CommandNotFound, Message: fmt.Sprintf("command %q was not found", name),
			Remedy: Remedy{Text: "correct its name, or use an image that has it"},
		}
		if path {
			c.Message = fmt.Sprintf("%q was not found, or the interpreter that its first line names was not", name)
		}
		return c, true
	case f.ExitCode == 126 && why == "Exec format error":
		return Cause{
			Reason:  WrongArchitecture,
			Message: fmt.Sprintf("%q is built for another architecture than the engine's, or is a script without a #! line", name),
			Remedy:  otherImage,
		}, true
	case f.ExitCode == 126 && why == "Argument list too long":
		return Cause{
			Reason:  ArgumentsTooLong,
			Message: fmt.Sprintf("%q cannot be executed: its arguments and the environment together are longer than Linux accepts", name),
			Remedy:  Remedy{Text: "pass fewer arguments at a time (xargs), or through a file or a pipe"},
		}, true
	case f.ExitCode == 126 && (why == "Permission denied" || why == "Is a directory"):
		return Cause{
			Reason: CommandNotRunnable, Message: fmt.Sprintf("%q cannot be executed: %s", name, strings.ToLower(why)),
			Remedy: Remedy{Text: "make the file executable (chmod +x), or start it through its interpreter: sh FILE"},
		}, true
	}
	return c, false
}

// complaint splits the message of a shell: "sh: 1: tool: not found" complains that tool was not found. The words that
// may stand between them are those of bash, exec, env, nohup and timeout.
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

// noFork matches what busybox, dash and bash write if the kernel refuses a new process.
var noFork = compiled(`can't fork|Cannot fork|fork: (?:retry: )?Resource temporarily unavailable`)

// notForked returns a hint: limits of a user (RLIMIT_NPROC) and of the machine cause the same words.
func notForked(f Failure) (Cause, bool) {
	limit := f.Task.Container.Limits.Pids
	if limit == 0 || !noFork().MatchString(f.lastLine()) {
		return Cause{}, false
	}
	return Cause{Remedy: Remedy{
		Text:   fmt.Sprintf("a process could not be started: let the task use less than %d processes and threads at a time", limit),
		Option: OptionPids,
	}}, true
}

// unsetInShell matches what busybox, dash and bash write of a variable that is not set, with set -u.
var unsetInShell = compiled(`: (\w+): (?:parameter not set|unbound variable)$`)

// notSet returns a hint: the shell of a container task may read CONTEXT, which Keptn has renamed.
func notSet(f Failure) (Cause, bool) {
	m := unsetInShell().FindStringSubmatch(f.lastLine())
	if m == nil || m[1] != "CONTEXT" {
		return Cause{}, false
	}
	return Cause{Remedy: howToSet(f.Task, m[1])}, true
}

// killed returns a hint for a process that SIGKILL ended, under a memory limit: the kernel kills for lack of memory in
// this way, but so does kill, and the engine reports no lack of memory.
func killed(f Failure) (Cause, bool) {
	limit := f.Task.Container.Limits.MemoryBytes
	if limit == 0 || f.Signal != "SIGKILL" && !shellKilled().MatchString(f.lastLine()) {
		return Cause{}, false
	}
	return Cause{Remedy: Remedy{Text: fmt.Sprintf("a process was killed by SIGKILL: if it was short of memory, raise the limit of %s%s",
		plan.Bytes(limit), in(f.Task.Container.Origin("limits.memory")))}}, true
}

// shellKilled matches what a shell writes of a child that SIGKILL ended.
var shellKilled = compiled(`(^|[\s:])Killed\b`)
