package enginetest

import (
	"fmt"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Shell returns a container that does with /bin/sh what an attempt says. The caller sets its image.
func Shell(a Attempt) plan.Container {
	if a.Exit.Reason == engine.CommandNotFound {
		return plan.Container{Command: plan.Texts([]string{"/no/such/command"})}
	}
	print := func(lines []Line) string {
		var b strings.Builder
		for _, l := range lines {
			fd := 1
			if l.Stream == engine.Stderr {
				fd = 2
			}
			fmt.Fprintf(&b, "echo '%s' >&%d\n", l.Text, fd)
		}
		return b.String()
	}
	trap := fmt.Sprintf("last_words() {\n:\n%s exit 143\n}\ntrap last_words TERM\n", print(a.LastWords))
	if a.IgnoresStop {
		trap = "trap '' TERM\n"
	}
	wait := ""
	if a.Takes > 0 {
		wait = "sleep 100000 &\nwait $!\n"
	}
	script := trap + print(a.Output) + wait
	c := plan.Container{}
	if a.Lists || a.Leaves != "" {
		script = fmt.Sprintf("ls /volume; >'/volume/%s'\n", a.Leaves)
		c.Tmpfs = []plan.Tmpfs{{Name: "volume", Path: "/volume", SizeBytes: 1 << 20}}
	}
	c.Command = plan.Texts([]string{"sh", "-c", script + fmt.Sprintf("exit %d\n", a.Exit.Code)})
	return c
}
