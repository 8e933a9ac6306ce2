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

// startFailure reports whether a failed create or start is the fault of the container's command, and returns the Exit. The
// engine answers 400, 404 or 500, depending on its version, with the text of its runtime, runc or crun, which ends in the
// text of the C library. Nothing else identifies the failure, so this function reads the text; ok is false if it finds none
// of the phrases.
func startFailure(err error, c plan.Container) (exit engine.Exit, ok bool) {
	text := strings.ToLower(err.Error())
	if strings.Contains(text, "no command specified") {
		return commandNotFound(c), true
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
	case contains("not found"), contains("no such file or directory"):
		return commandNotFound(c), true
	case contains("permission denied"), contains("is a directory"), contains("operation not permitted"):
		return engine.Exit{Code: 126, Reason: engine.CommandNotRunnable, Message: command(c) + " cannot be executed"}, true
	}
	return engine.Exit{}, false
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
