package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// taskChoice chooses the tasks of a run after a change.
type taskChoice struct {
	// changed are the files that have changed since tasks were last chosen.
	changed []string
	// last is the last plan, by name of its tasks. unfinished are tasks that have still to run.
	last       map[string]plan.Task
	unfinished map[string]bool
	// summary is how the last run ended.
	summary string
}

// choose returns the plan with the tasks that changes affect or that have not finished. The stages of a deployment depend on each
// other, so all of them run.
func (c *taskChoice) choose(p plan.Plan) plan.Plan {
	now, affected := map[string]plan.Task{}, map[string]bool{}
	for _, t := range p.Tasks {
		now[t.Name] = t
		before, known := c.last[t.Name]
		mounted := slices.ContainsFunc(t.Container.Mounts, func(m plan.Mount) bool {
			return slices.ContainsFunc(c.changed, func(name string) bool { return within([]string{m.Source}, name) })
		})
		if !known || mounted || c.unfinished[t.Name] || !local.SameTask(before, t) {
			affected[t.Name] = true
		}
	}
	c.changed, c.last, c.unfinished = nil, now, affected
	if len(p.Stages) == 0 || len(affected) == 0 {
		p.Tasks = slices.DeleteFunc(slices.Clone(p.Tasks), func(t plan.Task) bool { return !affected[t.Name] })
	}
	if len(p.Tasks) == 0 {
		p.Stages = nil
	}
	return p
}

// note notes how a run ended.
func (c *taskChoice) note(r engine.Result) {
	number := map[engine.Status]int{}
	for _, t := range r.Tasks {
		number[t.Status]++
		if t.Status != engine.Canceled {
			delete(c.unfinished, t.Name)
		}
	}
	var parts []string
	for _, s := range []engine.Status{engine.Passed, engine.Failed, engine.TimedOut, engine.Errored, engine.Canceled} {
		if number[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", number[s], s))
		}
	}
	if parts != nil {
		c.summary = strings.Join(parts, ", ")
	}
}

// mounted are the sources of a plan's mounts, and those of them that tasks can write to.
type mounted struct{ all, writable []string }

func mountsOf(p plan.Plan) (m mounted) {
	for _, t := range p.Tasks {
		for _, mount := range t.Container.Mounts {
			m.all = append(m.all, mount.Source)
			if !mount.ReadOnly {
				m.writable = append(m.writable, mount.Source)
			}
		}
	}
	return m
}
