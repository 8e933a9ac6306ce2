// Package standby waits for the dismissal of a guardian before the rest of the program is initialized, which takes most of the
// CPU time of a process that only waits: a program that imports the package and is started as a guardian reads its whole
// standard input first, and exits at once if it is dismissed. Only package main of ktask imports it.
//
// Go initializes the packages of a program in the order of their import paths, as soon as their imports are initialized. A
// package that imports more than this one comes later, after packages that compile regular expressions and fill tables.
package standby

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/ktask/ktask/local/internal/guard"
)

// In is the standard input of the program, or what a guardian that was not dismissed has read of it.
var In = in()

func in() io.Reader {
	if len(os.Args) != 3 || os.Args[1] != guard.Command || os.Args[2] == "" || os.Args[2][0] == '-' {
		return os.Stdin
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // those for the run's process may reach its guardian, too
	text, err := io.ReadAll(os.Stdin)
	const end = "\n" + guard.Dismissed
	if at := len(text) - len(end); at >= 0 && string(text[at:]) == end {
		os.Exit(0)
	}
	return &input{text, err}
}

// input reads a text and then returns an error. It stands for readers of packages that are initialized later than this one.
type input struct {
	text []byte
	err  error
}

func (i *input) Read(p []byte) (int, error) {
	if len(i.text) == 0 {
		if i.err != nil {
			return 0, i.err
		}
		return 0, io.EOF
	}
	n := copy(p, i.text)
	i.text = i.text[n:]
	return n, nil
}
