package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// verdict is what ktask makes of a file.
type verdict string

const (
	accepted verdict = "accepted"
	warned   verdict = "warned"
	refused  verdict = "refused"
	// incomplete is a file without errors but references to objects that are not in it.
	incomplete verdict = "incomplete"
	// foreign is a file without an object of Keptn and without a problem.
	foreign verdict = "foreign"
	crashed verdict = "crashed"
	slow    verdict = "too slow"
)

// outcome is a verdict with the problems that led to it, or with what is known of a crash.
type outcome struct {
	verdict  verdict
	problems spec.Problems
	detail   string
}

// judge validates and plans a file as one that was found in a directory.
func judge(file spec.File) outcome {
	o := resolve.Options{Namespace: local.DefaultNamespace, KeptnNamespace: local.DefaultKeptnNamespace, Preview: true}
	files := local.Files{Files: []spec.File{file}}
	m, problems := local.Check(files, o)
	if problems.Err() == nil {
		loaded, _ := local.Load(files, local.Files{}, o) // its error is one of the problems
		problems = append(problems, loaded.Problems...)
		_ = loaded.Plan.WriteText(io.Discard, plan.TextOptions{Explain: true, Width: 80})
		_, _ = loaded.Plan.MarshalJSON()
	}
	result := outcome{verdict: accepted, problems: problems}
	invalid := slices.DeleteFunc(slices.Clone(problems), resolve.IsMissing)
	switch {
	case invalid.Err() != nil:
		result.verdict = refused
	case len(invalid) < len(problems):
		result.verdict = incomplete
	case len(problems.Warnings()) > 0:
		result.verdict = warned
	case len(m.Definitions)+len(m.Tasks)+len(m.Apps)+len(m.AppContexts)+len(m.Configs) == 0:
		result.verdict = foreign
	}
	return result
}

// guarded calls judge with a time limit, and returns a panic as an outcome. What takes too long continues in the background.
func guarded(file spec.File, limit time.Duration, judge func(spec.File) outcome) outcome {
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- outcome{verdict: crashed, detail: fmt.Sprintf("%v\n%s", p, strings.TrimSpace(string(debug.Stack())))}
			}
		}()
		done <- judge(file)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case o := <-done:
		return o
	case <-timer.C:
		return outcome{verdict: slow, detail: fmt.Sprintf("no verdict after %v", limit)}
	}
}
