package endpoint

import "fmt"

// Error is the error of a setting or a file that does not name an engine or a registry's credentials.
type Error struct {
	Err error
	// Remedy is what the user can do.
	Remedy string
}

// Error returns what is wrong.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func failure(remedy, format string, args ...any) *Error {
	return &Error{Err: fmt.Errorf(format, args...), Remedy: remedy}
}
