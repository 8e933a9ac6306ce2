package docker

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// execPhrases are the beginnings of what runc (the first) and crun (the others) report about a command.
var execPhrases = []string{`exec: "`, "executable file `", "exec `", "exec container process `"}

// noCommandPhrases are what Docker and podman answer if neither the container nor its image has a command.
var noCommandPhrases = []string{"no command specified", "no command or entrypoint provided"}

// noCommand returns the Exit of a container without a command. Engines take an empty name of a command for none.
func noCommand(c plan.Container) engine.Exit {
	if len(c.Command) > 0 || len(c.Args) > 0 {
		return commandNotFound(c)
	}
	return engine.Exit{
		Code: 127, Reason: engine.NoCommand,
		Message: fmt.Sprintf("image %q has neither ENTRYPOINT nor CMD, and the task sets no command", c.Image),
	}
}

// startFailure reports whether a failed create or start is the fault of the container's command, and returns the Exit. The
// engine answers 400, 404 or 500, depending on its version, with the text of its runtime, runc or crun, which ends in the
// text of the C library. Nothing else identifies the failure, so this function reads the text; ok is false if it finds none
// of the phrases.
func startFailure(err error, c plan.Container) (exit engine.Exit, ok bool) {
	text := strings.ToLower(err.Error())
	for _, phrase := range noCommandPhrases {
		if strings.Contains(text, phrase) {
			return noCommand(c), true
		}
	}
	// Errors of a mount or the working directory end in the same reasons, but begin differently.
	for _, phrase := range execPhrases {
		if strings.Contains(text, phrase) {
			return commandFailure(text, c)
		}
	}
	return engine.Exit{}, false
}

// execLine is what runc writes to the output of a container if the very last step, execve(2), fails: by then it has reported
// to the engine that the container runs. The first form is that of runc 1.1, the second of older versions.
var execLine = regexp.MustCompile(`^(?:exec \S+: |standard_init_linux\.go:\d+: exec user process caused: )([a-z ]+)$`)

// execFailure reports whether a container ended because its command could not be executed, although the engine started it.
// only is the only line of its output.
func execFailure(code int, only string, c plan.Container) (exit engine.Exit, ok bool) {
	reason := execLine.FindStringSubmatch(strings.TrimSpace(only))
	if code != 1 && code != 255 || reason == nil {
		return engine.Exit{}, false
	}
	return commandFailure(reason[1], c)
}

// commandFailure returns the Exit for the C library's text of a failed execve(2). The codes are the shell's.
func commandFailure(text string, c plan.Container) (exit engine.Exit, ok bool) {
	contains := func(phrase string) bool { return strings.Contains(text, phrase) }
	switch {
	case contains("exec format error"):
		return engine.Exit{Code: 126, Reason: engine.WrongArchitecture, Message: command(c) +
			" is built for another architecture than the engine's, or is a script without a #! line"}, true
	case contains("argument list too long"):
		return argumentsTooLong(c), true
	case contains("not found"), contains("no such file or directory"):
		return commandNotFound(c), true
	case contains("permission denied"), contains("is a directory"), contains("operation not permitted"):
		return engine.Exit{Code: 126, Reason: engine.CommandNotRunnable, Message: command(c) + " cannot be executed"}, true
	}
	return engine.Exit{}, false
}

// argumentsTooLong returns the Exit of a command whose arguments and environment are longer than the kernel accepts, see the
// limits of execve(2).
func argumentsTooLong(c plan.Container) engine.Exit {
	length := func(all []string) string {
		bytes := 0
		for _, s := range all {
			bytes += len(s) + 1
		}
		return fmt.Sprintf("%d KiB", (bytes+1023)/1024)
	}
	return engine.Exit{
		Code: 126, Reason: engine.ArgumentsTooLong,
		Message: fmt.Sprintf("%s cannot be executed: the environment (%s) and the command with its arguments (%s) together are longer than Linux accepts, usually 2 MiB",
			command(c), length(environment(c.Env)), length(append(revealed(c.Command), revealed(c.Args)...))),
	}
}

func commandNotFound(c plan.Container) engine.Exit {
	return engine.Exit{
		Code: 127, Reason: engine.CommandNotFound,
		Message: command(c) + " is not in the image, or the interpreter that it names is not",
	}
}

// command names what was to be executed. A secret in it is masked.
func command(c plan.Container) string {
	switch {
	case len(c.Command) > 0:
		return fmt.Sprintf("command %q", c.Command[0])
	case len(c.Args) > 0:
		return fmt.Sprintf("the entrypoint of image %q (%q if it has none)", c.Image, c.Args[0])
	}
	return fmt.Sprintf("the command of image %q", c.Image)
}
