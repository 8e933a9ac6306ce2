package docker

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// execPhrases begin what runc (the first) and crun (the others) say of a command.
var execPhrases = []string{`exec: "`, "executable file `", "exec `", "exec container process `"}

// startFailure says whether a failed create or start is the fault of the container's command, and which. The engine
// answers 400, 404 or 500, depending on its version, and hands through the text of its runtime: runc's or crun's words,
// which in turn end in the C library's. There is nothing else to classify by, so this function reads the text; ok is
// false where it finds none of the phrases.
func startFailure(err error, c plan.Container) (exit engine.Exit, ok bool) {
	text := strings.ToLower(err.Error())
	if strings.Contains(text, "no command specified") {
		return commandNotFound(c), true
	}
	// What is wrong with a mount or the working directory ends in the same reasons, and begins otherwise.
	for _, phrase := range execPhrases {
		if strings.Contains(text, phrase) {
			return commandFailure(text, c)
		}
	}
	return engine.Exit{}, false
}

// execLine is what runc writes to the output of a container when the very last step, execve(2), fails: by then the
// engine has been told that the container runs. The first form is that of runc 1.1, the second of older ones.
var execLine = regexp.MustCompile(`^(?:exec \S+: |standard_init_linux\.go:\d+: exec user process caused: )([a-z ]+)$`)

// execFailure says whether a container ended because its command could not be executed, although the engine started
// it: only is the one line of its output.
func execFailure(code int, only string, c plan.Container) (exit engine.Exit, ok bool) {
	reason := execLine.FindStringSubmatch(strings.TrimSpace(only))
	if code != 1 && code != 255 || reason == nil {
		return engine.Exit{}, false
	}
	return commandFailure(reason[1], c)
}

// commandFailure reads the C library's words for the failure of execve(2). The codes are the shell's.
func commandFailure(text string, c plan.Container) (exit engine.Exit, ok bool) {
	says := func(phrase string) bool { return strings.Contains(text, phrase) }
	switch {
	case says("exec format error"):
		return engine.Exit{Code: 126, Reason: engine.WrongArchitecture, Message: command(c) +
			" is built for another architecture than the engine's, or is a script without a #! line"}, true
	case says("not found"), says("no such file or directory"):
		return commandNotFound(c), true
	case says("permission denied"), says("is a directory"), says("operation not permitted"):
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

// command names what was to be executed; a secret in it is masked.
func command(c plan.Container) string {
	switch {
	case len(c.Command) > 0:
		return fmt.Sprintf("command %q", c.Command[0])
	case len(c.Args) > 0:
		return fmt.Sprintf("the entrypoint of image %q (%q where it has none)", c.Image, c.Args[0])
	}
	return fmt.Sprintf("the command of image %q", c.Image)
}
