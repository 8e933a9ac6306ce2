// Package guard holds the words between a run and its guardian. It imports nothing, see package standby.
package guard

const (
	// Command is the first argument of a guardian; the second is the run.
	Command = "guard"
	// Dismissed is the last line that the run's process writes if nothing is left to do.
	Dismissed = "done\n"
)
