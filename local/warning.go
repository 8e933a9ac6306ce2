package local

import (
	"fmt"
	"strings"

	"github.com/ktask/ktask/spec"
)

// Warning is something that did not prevent the run but that its user should know.
type Warning struct {
	Code WarningCode
	// Names are the secrets or tasks that it concerns.
	Names []string
	// Err is what failed, or nil.
	Err error
	// Problem is the problem of Manifest.
	Problem spec.Problem
}

// WarningCode is the kind of a Warning.
type WarningCode string

// The kinds of warnings.
const (
	// Manifest means that the manifests or options have Problem, a warning or a note.
	Manifest WarningCode = "manifest"
	// SecretTooShort means that the secrets in Names are too short to be masked, and may appear in the output.
	SecretTooShort WarningCode = "secret-too-short"
	// SecretKept means that the containers that Keep keeps show the secrets of the tasks in Names in clear text.
	SecretKept WarningCode = "secret-kept"
	// Unguarded means that the guardian did not start: if this process is killed, what it leaves stays.
	Unguarded WarningCode = "unguarded"
	// Unclaimed means that the run is not recorded: others decide by age alone whether to remove what it leaves.
	Unclaimed WarningCode = "unclaimed"
	// KeptUnknown means that what the engine keeps could not be listed.
	KeptUnknown WarningCode = "kept-unknown"
)

// String returns the warning in one sentence, after its place and severity.
func (w Warning) String() string {
	if w.Code == Manifest {
		return w.Problem.String()
	}
	return "warning: " + w.sentence()
}

func (w Warning) sentence() string {
	names := strings.Join(w.Names, ", ")
	switch w.Code {
	case SecretTooShort:
		if len(w.Names) == 1 {
			return fmt.Sprintf("secret %s is too short to hide: it will appear in the output", names)
		}
		return fmt.Sprintf("secrets %s are too short to hide: they will appear in the output", names)
	case SecretKept:
		return fmt.Sprintf("kept containers show the secrets of task %s in clear text, in `docker logs` and `docker inspect`: remove them with `ktask clean`", names)
	case Unguarded:
		return fmt.Sprintf("%v: if this process is killed, remove what it leaves with `ktask clean`", w.Err)
	case Unclaimed:
		return fmt.Sprintf("%v: if this process is killed, what it leaves is removed only when it is older than the tasks' timeouts", w.Err)
	}
	return fmt.Sprintf("list the containers and volumes that are kept: %v", w.Err)
}

// warningsOf returns the warnings for the problems that ktask run prints, except for errors.
func warningsOf(problems spec.Problems) []Warning {
	var all []Warning
	for _, p := range problems.WithoutCluster() {
		if p.Severity != spec.Error {
			all = append(all, Warning{Code: Manifest, Problem: p})
		}
	}
	return all
}
