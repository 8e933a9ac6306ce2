package report

import "github.com/ktask/ktask/engine"

// colours reports whether text is coloured.
type colours bool

// SGR parameters, see ECMA-48.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// prefixColours are used in turn, so that neighbouring tasks differ. Red is not among them: it means failure.
var prefixColours = [...]string{"36", "33", "32", "35", "34", "96", "93", "92", "95", "94"}

func (c colours) paint(code, text string) string {
	if !bool(c) || text == "" || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (c colours) status(s engine.Status, text string) string {
	switch s {
	case engine.Passed:
		return c.paint(green, text)
	case engine.Canceled:
		return c.paint(yellow, text)
	default:
		return c.paint(red, text)
	}
}

// shade returns the status whose colour a stage has: a warning is yellow.
func shade(s engine.StageResult) engine.Status {
	if s.Warning {
		return engine.Canceled
	}
	return s.Status
}
