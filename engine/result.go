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
	// Canceled means that the user, a sibling under --fail-fast or an earlier stage stopped it.
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
	ReadOnlyFileSystem Reason = "ReadOnlyFileSystem"
	VolumeFull         Reason = "VolumeFull"
	PermissionDenied   Reason = "PermissionDenied"
	ModuleNotFound     Reason = "ModuleNotFound"
	// ScriptFailed is an exception of the script's own. It is the reason of an attempt; the task's is Keptn's.
	ScriptFailed       Reason = "ScriptFailed"
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
	StageFailed        Reason = "StageFailed"
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
	// Stage is the stage that the task belongs to; its ID is "" where the task runs by itself.
	Stage   plan.Stage
	Status  Status
	Reason  Reason
	Message string
	// Remedy tells the user what to do next, or is "".
	Remedy string
	// Place is the line of a manifest at which the script failed ("task.yaml:31"), or "".
	Place       plan.Origin
	Origin      plan.Origin
	Image       string
	ImageDigest string
	// ExitCode is that of the last attempt, or -1 where none ran.
	ExitCode int
	Started  time.Time
	Finished time.Time
	Attempts []AttemptResult
	// MayRemain says that the engine failed at something of the task, maybe at its removal: what it still has is for
	// Cleaner to find.
	MayRemain bool
}

// StageResult is the outcome of a stage.
type StageResult struct {
	plan.Stage
	// Status is the worst of the stage's tasks; Canceled where the stage never started or was cut short.
	Status Status
	// Warning says that tasks failed or timed out and that the plan lets the deployment go on (plan.NonBlocking).
	Warning bool
	// Message says why the stage never started, else it is "".
	Message string
	// Tasks are the names of the stage's tasks, in the order of the plan.
	Tasks []string
	// Started and Finished are zero where the stage never started.
	Started  time.Time
	Finished time.Time
}

// Result is the outcome of a run; Tasks and Stages are in the order of the plan.
type Result struct {
	RunID string
	// Status is the worst of the tasks. These do not count: one that a failed sibling or stage canceled, as that says
	// what really happened; and, under plan.NonBlocking, one of a stage that failed or timed out. One that errored
	// counts always: a run that lacks its engine or an image has not shown what Keptn would do.
	Status   Status
	Started  time.Time
	Finished time.Time
	Engine   Info
	Tasks    []TaskResult
	// Stages is empty where the plan has none.
	Stages []StageResult
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
