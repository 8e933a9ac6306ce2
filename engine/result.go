package engine

import (
	"time"

	"github.com/ktask/ktask/engine/diagnose"
	"github.com/ktask/ktask/engine/plan"
)

// Status is the outcome that events, reports and exit codes derive from.
type Status string

// The outcomes of an attempt, a task and a run.
const (
	Passed   Status = "passed"
	Failed   Status = "failed"
	TimedOut Status = "timed-out"
	// Errored means that ktask, the engine or an image failed, not the task.
	Errored Status = "errored"
	// Canceled means that the user, the failure of another task under FailFast or an earlier stage stopped it.
	Canceled Status = "canceled"
)

// Reason is why a task did not pass, in one word; Keptn's word if it has one.
type Reason = diagnose.Reason

// The reasons. Keptn takes the first two from the condition of its Job, see the JobReason constants of batch/v1.
const (
	BackoffLimitExceeded Reason = "BackoffLimitExceeded"
	DeadlineExceeded     Reason = "DeadlineExceeded"

	OOMKilled          = diagnose.OOMKilled
	CommandNotFound    = diagnose.CommandNotFound
	CommandNotRunnable = diagnose.CommandNotRunnable
	WrongArchitecture  = diagnose.WrongArchitecture
	NoCommand          = diagnose.NoCommand
	ArgumentsTooLong   = diagnose.ArgumentsTooLong
	ReadOnlyFileSystem = diagnose.ReadOnlyFileSystem
	VolumeFull         = diagnose.VolumeFull
	PermissionDenied   = diagnose.PermissionDenied
	ModuleNotFound     = diagnose.ModuleNotFound
	DownloadFailed     = diagnose.DownloadFailed
	// ScriptFailed means an exception of the script. It is the reason of an attempt; the task's is BackoffLimitExceeded.
	ScriptFailed              = diagnose.ScriptFailed
	ImagePullFailed    Reason = "ImagePullFailed"
	ImageNotFound      Reason = "ImageNotFound"
	ImageUnauthorized  Reason = "ImageUnauthorized"
	ImageRunsAsRoot    Reason = "ImageRunsAsRoot"
	UserNotFound       Reason = "UserNotFound"
	WorkingDirUnusable Reason = "WorkingDirUnusable"
	ContainerRemoved   Reason = "ContainerRemoved"
	EngineUnavailable  Reason = "EngineUnavailable"
	EngineLost         Reason = "EngineLost"
	EngineRefused      Reason = "EngineRefused"
	EngineDidNotAnswer Reason = "EngineDidNotAnswer"
	Interrupted        Reason = "Interrupted"
	SiblingFailed      Reason = "SiblingFailed"
	StageFailed        Reason = "StageFailed"
)

// Remedy is what a user can do about a failure.
type Remedy = diagnose.Remedy

// Option is an option of ktask that a remedy names.
type Option = diagnose.Option

// The options that remedies name.
const (
	OptionHost     = diagnose.OptionHost
	OptionPlatform = diagnose.OptionPlatform
	OptionImage    = diagnose.OptionImage
	OptionDeno     = diagnose.OptionDeno
	OptionPython   = diagnose.OptionPython
	OptionBase     = diagnose.OptionBase
	OptionBuild    = diagnose.OptionBuild
	OptionSecrets  = diagnose.OptionSecrets
	OptionNetwork  = diagnose.OptionNetwork
	OptionMounts   = diagnose.OptionMounts
	OptionParams   = diagnose.OptionParams
	OptionPids     = diagnose.OptionPids
	OptionOffline  = diagnose.OptionOffline
	OptionPull     = diagnose.OptionPull
	OptionTimeout  = diagnose.OptionTimeout
)

// Error is the failure of an engine, not of a task.
type Error struct {
	Reason Reason
	// Err is what was tried and what went wrong.
	Err    error
	Remedy Remedy
}

// Error returns the text of Err; reporters print Remedy on a separate line.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
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
	// Killed reports whether the failure of the Job killed the attempt, see plan.Cluster. Whether it does is a race, so
	// such an attempt explains nothing.
	Killed bool
}

// TaskResult is the outcome of a task.
type TaskResult struct {
	Name       string
	Definition string
	// Stage is the stage that the task belongs to; its ID is "" if it belongs to none.
	Stage   plan.Stage
	Status  Status
	Reason  Reason
	Message string
	Remedy  Remedy
	// Place is the line of a manifest at which the script failed (file and line), if it is known.
	Place       plan.Origin
	Origin      plan.Origin
	Image       string
	ImageDigest string
	// ExitCode is that of the last attempt, or -1 if none ran.
	ExitCode int
	Started  time.Time
	Finished time.Time
	Attempts []AttemptResult
	// MayRemain reports whether the engine failed, maybe to remove something of the task. A Cleaner finds what is left.
	MayRemain bool
}

// StageResult is the outcome of a stage.
type StageResult struct {
	plan.Stage
	// Status is the worst of the stage's tasks; Canceled if the stage never started or was cut short.
	Status Status
	// Warning reports whether tasks failed or timed out and the plan lets the deployment continue (plan.NonBlocking).
	Warning bool
	// Message is why the stage never started, or "".
	Message string
	// Tasks are the names of the stage's tasks, in the order of the plan.
	Tasks []string
	// Started and Finished are zero if the stage never started.
	Started  time.Time
	Finished time.Time
}

// Result is the outcome of a run; Tasks and Stages are in the order of the plan.
type Result struct {
	RunID string
	// Status is the worst of the tasks that count. A task that another task or stage canceled does not count: the other
	// one does. Under plan.NonBlocking, a task of a stage that failed or timed out does not count. A task that errored
	// always counts: a run without its engine or an image has not shown what Keptn would do.
	Status   Status
	Started  time.Time
	Finished time.Time
	Engine   Info
	Tasks    []TaskResult
	// Stages is empty if the plan has none.
	Stages []StageResult
	// NotChecked is that of the plan.
	NotChecked []string
}

// KeptnStatus returns Keptn's word for a status. Keptn has only two.
func (s Status) KeptnStatus() string {
	if s == Passed {
		return "Succeeded"
	}
	return "Failed"
}

// worst returns the worse status, in the order of ktask's exit codes: canceled, errored, timed-out, failed, passed.
func worst(a, b Status) Status {
	if rank[b] > rank[a] {
		return b
	}
	return a
}

var rank = map[Status]int{Passed: 0, Failed: 1, TimedOut: 2, Errored: 3, Canceled: 4}
