package command

import (
	"io"

	"github.com/ktask/ktask/engine/plan"
)

// printable prints what ktask says to people. Names, messages and paths in it may be anybody's: see plan.Printable.
type printable struct{ to io.Writer }

// Write takes whole characters, as the functions of fmt write them.
func (p printable) Write(text []byte) (int, error) {
	if _, err := io.WriteString(p.to, plan.Printable(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}
