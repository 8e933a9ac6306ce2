package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// exceptionThrown reads the exception that ended a script of Python or Deno. Both then exit with 1.
func exceptionThrown(f Failure) (Cause, bool) {
	if f.ExitCode != 1 {
		return Cause{}, false
	}
	if x, outermost, ok := uncaughtPython(f.Output); ok && f.isProgram(outermost) {
		return f.thrown(x), true
	}
	if x, ok := uncaughtDeno(f.Output); ok && f.Task.Runtime == plan.RuntimeDeno {
		return f.thrown(x), true
	}
	return Cause{}, false
}

// isProgram reports whether the outermost frame of a traceback can be in the task's own program, and not in one that it
// started.
func (f Failure) isProgram(outermost frame) bool {
	_, ours := f.file(outermost)
	return f.Task.Runtime != plan.RuntimePython || ours || outermost.path == downloaded
}

// downloaded is the path of a script that Keptn's python runtime has downloaded.
const downloaded = "<stdin>"

// anyTraceback returns a hint: if the message of an exception has several lines, the output of Python ends as that of
// a script that has caught an exception, printed it and given up. Threads and children print tracebacks as well.
func anyTraceback(f Failure) (Cause, bool) {
	if f.ExitCode != 1 {
		return Cause{}, false
	}
	output := withoutIgnored(f.Output)
	t, ok := lastTraceback(output)
	if !ok && f.Truncated {
		t, ok = truncatedTraceback(output)
	}
	if !ok {
		return Cause{}, false
	}
	c := f.thrown(t.exception)
	return Cause{Message: "the last traceback: " + c.Message, Place: c.Place}, true
}

// thrown returns what an exception means and where it was thrown.
func (f Failure) thrown(x exception) Cause {
	frames, at := f.ownFrames(x.frames), frame{}
	c := f.meaning(x)
	text := cmp.Or(c.Message, shorten(x.text))
	if len(frames) > 0 {
		text = f.place(frames[0]) + ": " + text
		c.Place = f.manifestLine(frames[0])
		at, frames = frames[0], frames[1:]
	}
	c.Message = text
	if callers := f.callers(frames); callers != "" {
		c.Message += "\n" + callers
	}
	c.Message += f.list("in it", x.parts, at) + f.list("caused by", x.causes, at)
	return c
}

// list returns a line for each of the exceptions that belong to one thrown at the frame at, with its place if that is
// another.
func (f Failure) list(label string, all []exception, at frame) string {
	const shown = 3
	var text string
	for i, x := range all {
		if i == shown {
			return text + fmt.Sprintf("\n%s: %d more", label, len(all)-shown)
		}
		text += "\n" + label + ": "
		if own := f.ownFrames(x.frames); len(own) > 0 && own[0] != at {
			text += f.place(own[0]) + ": "
		}
		text += shorten(x.text)
	}
	return text
}

// ownFrames returns the frames in the code of the manifest, or the innermost frame if there are none.
func (f Failure) ownFrames(frames []frame) []frame {
	var own []frame
	for _, at := range frames {
		if _, ours := f.file(at); ours {
			own = append(own, at)
		}
	}
	if own == nil {
		own = frames[:min(1, len(frames))]
	}
	return own
}

// callers returns a line with the places that the place of an exception was called from, or "".
func (f Failure) callers(frames []frame) string {
	const shown = 3
	frames = slices.Compact(frames) // recursion
	var places []string
	for _, at := range frames[:min(shown, len(frames))] {
		places = append(places, f.place(at))
	}
	if len(places) == 0 {
		return ""
	}
	return "called from " + strings.Join(places, ", from ")
}

// shorten returns s, or its beginning: the text of an exception may hold anything.
func shorten(s string) string {
	const most = 400
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
