package engine

import (
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// Status is the one verdict that events, reports and exit codes derive from.
type Status string

// The outcomes of an attempt, a task and a run.
const (
	Passed   Status = "passed"
	Failed   Status = "failed"
	TimedOut Status = "timed-out"
	// Errored means that ktask, the engine or an image failed, not the task.
	Errored Status = "errored"
	// Canceled means that the user, or a sibling under --fail-fast, stopped it.
	Canceled Status = "canceled"
)

// Reason says why a task did not pass, in Keptn's word where Keptn has one.
type Reason string

// Keptn takes the first two from the condition of its Job, see Kubernetes' batch/v1 JobReason constants.
const (
	BackoffLimitExceeded Reason = "BackoffLimitExceeded"
	DeadlineExceeded     Reason = "DeadlineExceeded"

	OOMKilled          Reason = "OOMKilled"
	CommandNotFound    Reason = "CommandNotFound"
	CommandNotRunnable Reason = "CommandNotRunnable"
	WrongArchitecture  Reason = "WrongArchitecture"
	ImagePullFailed    Reason = "ImagePullFailed"
	ImageNotFound      Reason = "ImageNotFound"
	ImageUnauthorized  Reason = "ImageUnauthorized"
	ImageRunsAsRoot    Reason = "ImageRunsAsRoot"
	EngineUnavailable  Reason = "EngineUnavailable"
	EngineLost         Reason = "EngineLost"
	EngineRefused      Reason = "EngineRefused"
	EngineDidNotAnswer Reason = "EngineDidNotAnswer"
	Interrupted        Reason = "Interrupted"
	SiblingFailed      Reason = "SiblingFailed"
)

// Error is the failure of an engine, as against that of a task.
type Error struct {
	Reason Reason
	// Err says what was tried and what went wrong.
	Err error
	// Remedy tells the user what to do next, or is "".
	Remedy string
}

// Error gives the text of Err; reporters print Remedy on a line of its own.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives Err.
func (e *Error) Unwrap() error { return e.Err }

// AttemptResult is the outcome of one attempt.
type AttemptResult struct {
	Number    int
	Status    Status
	ExitCode  int
	Signal    string
	OOMKilled bool
	Started   time.Time
	Finished  time.Time
	Reason    Reason
	Message   string
}

// TaskResult is the outcome of a task.
type TaskResult struct {
	Name       string
	Definition string
	Status     Status
	Reason     Reason
	Message    string
	// Remedy tells the user what to do next, or is "".
	Remedy      string
	Origin      plan.Origin
	Image       string
	ImageDigest string
	// ExitCode is that of the last attempt, or -1 where none ran.
	ExitCode int
	Started  time.Time
	Finished time.Time
	Attempts []AttemptResult
}

// Result is the outcome of a run; Tasks are in the order of the plan.
type Result struct {
	RunID    string
	Status   Status
	Started  time.Time
	Finished time.Time
	Engine   Info
	Tasks    []TaskResult
}

// KeptnStatus is Keptn's word for a status: Keptn knows no third outcome.
func (s Status) KeptnStatus() string {
	if s == Passed {
		return "Succeeded"
	}
	return "Failed"
}

// worst orders outcomes as the exit codes of ktask do: canceled, errored, timed-out, failed, passed.
func worst(a, b Status) Status {
	if rank[b] > rank[a] {
		return b
	}
	return a
}

var rank = map[Status]int{Passed: 0, Failed: 1, TimedOut: 2, Errored: 3, Canceled: 4}
