package diagnose

import (
	"fmt"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

// notDownloaded explains a script from a URL that the runtime could not fetch, by what curl and deno write.
func notDownloaded(f Failure) (Cause, bool) {
	script := f.script()
	url := script.Value.String()
	if f.ExitCode != 1 || !strings.HasPrefix(strings.ToLower(url), "http") {
		return Cause{}, false
	}
	c := Cause{
		Reason: DownloadFailed, Place: plan.Origin{File: script.Origin.File, Line: script.Origin.Line},
		Remedy: Remedy{Text: "correct the URL", Option: OptionNetwork},
	}
	last := f.lastLine()
	switch {
	case strings.HasSuffix(last, "-runtime: the script "+url+" is empty"):
		c.Message = fmt.Sprintf("the script %s is empty", url)
		c.Remedy = Remedy{Text: "correct the URL"}
		return c, true
	case last == "python-runtime: cannot download the script "+url:
		why := "curl failed"
		for _, line := range f.Output {
			if text, ok := strings.CutPrefix(line, "curl: "); ok {
				why = text
			}
		}
		c.Message = fmt.Sprintf("cannot download the script %s: %s", url, why)
		return c, true
	case f.Task.Runtime == plan.RuntimeDeno && last == "error: module could not be found":
		c.Message = fmt.Sprintf("cannot download the script %s: not found", url)
		return c, true
	case f.Task.Runtime == plan.RuntimeDeno && strings.HasPrefix(last, "error: Import '"+url+"' failed"):
		c.Message = fmt.Sprintf("cannot download the script %s", url)
		return c, true
	}
	return Cause{}, false
}

// script returns the variable that names the script of a runtime.
func (f Failure) script() plan.EnvVar {
	for _, v := range f.Task.Container.Env {
		if v.Name == "SCRIPT" {
			return v
		}
	}
	return plan.EnvVar{}
}
