package command

import (
	"io"

	"github.com/ktask/ktask/engine/plan"
)

// printable is a writer that escapes what ktask prints for people. Names, messages and paths in it may be anybody's: see
// plan.Printable.
type printable struct{ to io.Writer }

// Write writes text, which must consist of whole characters, as the functions of fmt write it.
func (p printable) Write(text []byte) (int, error) {
	if _, err := io.WriteString(p.to, plan.Printable(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}
