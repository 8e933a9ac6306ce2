// Package parity compares what tasks find and how they end on Docker, with both semantics, and on a cluster.
//
// Its input are the lines that probes print and the outcomes of tasks; its output is docs/parity.md. It runs nothing: the test that
// does needs an engine and a cluster.
package parity

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Facts are what was seen of a task, by name: "env PATH", "file /d", "status".
type Facts map[string]string

// Observer is a Sink that collects the Facts of each task of a run.
type Observer struct {
	semantics plan.Semantics
	lines     map[string]map[int][]string
	// starts are how often each task is started at most.
	starts map[string]int
	facts  map[string]Facts
}

// NewObserver returns an Observer that has seen nothing of a run with these semantics.
func NewObserver(semantics plan.Semantics) *Observer {
	return &Observer{semantics: semantics, lines: map[string]map[int][]string{}, starts: map[string]int{}, facts: map[string]Facts{}}
}

// Facts returns what was seen, by the names of the tasks.
func (o *Observer) Facts() map[string]Facts { return o.facts }

// Emit takes an event of the run.
func (o *Observer) Emit(event engine.Event) {
	switch e := event.(type) {
	case engine.AttemptStarted:
		o.starts[e.Task] = e.Of
	case engine.OutputLine:
		if o.lines[e.Task] == nil {
			o.lines[e.Task] = map[int][]string{}
		}
		o.lines[e.Task][e.Attempt] = append(o.lines[e.Task][e.Attempt], e.Line)
	case engine.TaskFinished:
		o.facts[e.Task] = o.factsOf(e.Result)
	}
}

var (
	// printed matches a line of a probe.
	printed = regexp.MustCompile(`^((?:env|process|limit|sysctl|mount|file|size|write|sha256|allowed) [^:]*): ?(.*)$`)
	// passing matches what differs from run to run: the names of pods, with their uid, and the line of a manifest.
	passing = regexp.MustCompile(`ktask-[a-z0-9-]+(_default\([0-9a-f-]{36}\))?|<stdin>:\d+`)
)

// factsOf returns the facts of a task. With the semantics of a cluster, how the last start of a failed task ended, what it printed and
// whether it began at all is a race with the controller that ends it.
func (o *Observer) factsOf(r engine.TaskResult) Facts {
	f := Facts{"status": string(r.Status)}
	f.set("reason", string(r.Reason))
	f.set("message", r.Message)
	var ends []string
	races := o.semantics == plan.Cluster && r.Reason == engine.BackoffLimitExceeded
	for _, a := range r.Attempts {
		if races && a.Number == o.starts[r.Name] {
			break
		}
		end := strconv.Itoa(a.ExitCode)
		if a.OOMKilled {
			end += " (out of memory)"
		}
		ends = append(ends, end)
		f.set(fmt.Sprintf("message of start %d", a.Number), a.Message)
		for _, line := range o.lines[r.Name][a.Number] {
			if found := printed.FindStringSubmatch(line); found != nil {
				f.add(found[1], found[2], r.Name)
			} else {
				f.set("output", f["output"]+line+"\n")
			}
		}
	}
	if races {
		ends = append(ends, "last")
	}
	f.set("exit codes", strings.Join(ends, ", "))
	return f
}

// set records a value unless it is empty.
func (f Facts) set(name, value string) {
	if value != "" {
		f[name] = stable(value)
	}
}

// add records a line of a probe of a task.
func (f Facts) add(name, value, task string) {
	switch {
	case value == task:
		value = "TASK"
	case strings.HasPrefix(name, "env KUBERNETES_"):
		name, value = "env KUBERNETES_*", "set"
	case name == "process oom_score_adj":
		if n, err := strconv.Atoi(value); err == nil && n > 0 && n < 1000 {
			value = "between 1 and 999" // it depends on the memory of the machine
		}
	case strings.HasPrefix(name, "limit ") && len(value) >= len("9223372036854771712"):
		value = "unlimited"
	}
	f[name] = stable(value)
}

// stable returns a text without what differs from run to run.
func stable(text string) string {
	return passing.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "<") {
			return "FILE:LINE"
		}
		return "POD"
	})
}
