package main

import (
	"os"

	"golang.org/x/term"

	"github.com/ktask/ktask/command"
)

// keyboard returns the terminal of stdin and stdout, or nil if one of them is not a terminal.
func keyboard() *command.Keyboard {
	in, out := int(os.Stdin.Fd()), int(os.Stdout.Fd())
	if !term.IsTerminal(in) || !term.IsTerminal(out) {
		return nil
	}
	return &command.Keyboard{
		Raw: func() (restore func(), err error) {
			before, err := term.MakeRaw(in)
			return func() { _ = term.Restore(in, before) }, err // a terminal that is gone needs none
		},
		Size:    func() (columns, rows int) { return sizeOf(out) },
		Resized: resized,
	}
}

// size returns the columns and rows of the terminal of stderr.
func size() (columns, rows int) { return sizeOf(int(os.Stderr.Fd())) }

func sizeOf(terminal int) (columns, rows int) {
	columns, rows, err := term.GetSize(terminal)
	if err != nil || columns == 0 || rows == 0 { // as in a terminal of a program that has not set its size
		return 80, 24
	}
	return columns, rows
}
