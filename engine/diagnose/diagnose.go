// Package diagnose finds out why an attempt failed.
//
// In goes a Failure: how the process ended and the last lines that it wrote. Out comes a Cause: a reason, a message, what
// to do, and the line of the manifest. The package does not guess: it reads words that a shell, an interpreter or the C
// library writes in one case only. It knows nothing of engines, and reads nothing but its arguments.
package diagnose

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/ktask/ktask/engine/plan"
)

// Failure is what is known of an attempt that failed.
type Failure struct {
	Task      plan.Task
	ExitCode  int
	Signal    string
	OOMKilled bool
	// Reason is the cause as far as the engine knows it, or "".
	Reason Reason
	// Output is the end of the output, in lines. Truncated reports whether there was more before it.
	Output    []string
	Truncated bool
}

// Cause is why an attempt failed, as far as it says more than the exit code. Fields that are not known are "".
type Cause struct {
	Reason  Reason
	Message string
	Remedy  Remedy
	// Place is the line of a manifest that failed.
	Place plan.Origin
}

// Reason is a cause in one word.
type Reason string

// The reasons that Explain knows.
const (
	OOMKilled          Reason = "OOMKilled"
	CommandNotFound    Reason = "CommandNotFound"
	CommandNotRunnable Reason = "CommandNotRunnable"
	WrongArchitecture  Reason = "WrongArchitecture"
	NoCommand          Reason = "NoCommand"
	ArgumentsTooLong   Reason = "ArgumentsTooLong"
	ReadOnlyFileSystem Reason = "ReadOnlyFileSystem"
	VolumeFull         Reason = "VolumeFull"
	PermissionDenied   Reason = "PermissionDenied"
	ModuleNotFound     Reason = "ModuleNotFound"
	DownloadFailed     Reason = "DownloadFailed"
	ScriptFailed       Reason = "ScriptFailed"
)

// rules are tried in this order; the first that applies decides. A rule reads only the end of the output. If the same
// words may have another origin, its Cause has no Reason: the message or the remedy is then a hint.
var rules = []func(Failure) (Cause, bool){
	outOfMemory,
	foundByEngine,
	notExecuted,
	notDownloaded,
	exceptionThrown,
	fileSystem,
	notForked,
	notSet,
	killed,
	anyTraceback,
}

// Explain returns the cause of a failure, and false if it finds none.
func Explain(f Failure) (Cause, bool) {
	f.Output = plainText(f.Output)
	for _, rule := range rules {
		if c, ok := rule(f); ok {
			return c, true
		}
	}
	return Cause{}, false
}

// colours are the escape sequences with which programs colour their output.
var colours = compiled(`\x1b\[[0-9;]*[A-Za-z]`)

// plainText returns lines without colours and control characters.
func plainText(lines []string) []string {
	all := make([]string, len(lines))
	for i, line := range lines {
		all[i] = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && r != '\t' {
				return -1
			}
			return r
		}, colours().ReplaceAllString(line, ""))
	}
	return all
}

// lastLine returns the last line of the output that has a text, or "". It skips the counts that dd writes after an
// error.
func (f Failure) lastLine() string {
	for i := len(f.Output) - 1; i >= 0; i-- {
		if !blank(f.Output[i]) && !ddCount().MatchString(f.Output[i]) {
			return strings.TrimSpace(f.Output[i])
		}
	}
	return ""
}

var ddCount = compiled(`^\d+\+\d+ records (in|out)$|^\d+ bytes .*copied`)

// file returns the file of the container that a frame is in.
func (f Failure) file(at frame) (plan.File, bool) {
	for _, file := range f.Task.Container.Files {
		if file.Path == at.path {
			return file, true
		}
	}
	return plan.File{}, false
}

// manifestLine returns the line of the manifest that a line of code stands in, if it stands in one.
func (f Failure) manifestLine(at frame) plan.Origin {
	file, ok := f.file(at)
	if !ok || file.Line == 0 || file.Origin.Line == 0 {
		return plan.Origin{}
	}
	return plan.Origin{File: file.Origin.File, Line: file.Line + at.line - 1}
}

// place returns a line of code as the user knows it: as a line of the manifest if it stands there.
func (f Failure) place(at frame) string {
	if line := f.manifestLine(at); line.Known() {
		return line.Position()
	}
	if file, ok := f.file(at); ok && file.Origin.Line > 0 {
		// The code is quoted or folded: its lines differ from those of the manifest.
		return file.Origin.Position() + " (line " + strconv.Itoa(at.line) + " of the code)"
	}
	return at.path + ":" + strconv.Itoa(at.line)
}

// in returns an origin in parentheses, or "".
func in(from plan.Origin) string {
	if !from.Known() {
		return ""
	}
	return " (" + from.String() + ")"
}
