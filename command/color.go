package command

import (
	"os"
	"slices"

	"github.com/ktask/ktask/engine/plan"
)

// color reports whether to use colors on a stream, which may be a terminal. A flag takes precedence over the variables, and these
// over the file. See https://no-color.org, https://bixense.com/clicolors and https://force-color.org.
func (s settings) color(terminal bool) bool {
	v, given := s.one("no-color")
	off := given && v.text == "true"
	switch {
	case off && v.origin.Source != plan.SourceSetting:
		return false
	case !isOff(os.Getenv("CLICOLOR_FORCE"), true), !isOff(os.Getenv("FORCE_COLOR"), true):
		return true
	case off, isOff(os.Getenv("FORCE_COLOR"), false), isOff(os.Getenv("CLICOLOR"), false), os.Getenv("TERM") == "dumb":
		return false
	}
	return terminal
}

// isOff reports whether the value of a variable means no, or is empty if unset means that, too.
func isOff(value string, unset bool) bool {
	return value == "" && unset || slices.Contains([]string{"0", "false"}, value)
}

// colorOut and colorErr report whether to use colors on stdout and on stderr.
func (app App) colorOut(s settings) bool { return s.color(app.OutTerminal && !app.NoEscapes) }

func (app App) colorErr(s settings) bool { return s.color(app.ErrTerminal && !app.NoEscapes) }
