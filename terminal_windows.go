package main

import (
	"os"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// understandsEscapes turns the processing of escape sequences on for a console, and reports whether that was possible. What is not a
// console needs none.
func understandsEscapes(f *os.File) bool {
	if !term.IsTerminal(int(f.Fd())) {
		return true
	}
	var mode uint32
	handle := windows.Handle(f.Fd())
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
