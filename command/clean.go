package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// cleanOptions are the flags of clean.
type cleanOptions struct {
	engine             local.EngineOptions
	runs               []string
	dryRun, all, force bool
	json               bool
}

func (app App) cleanCommand() *cli.Command {
	return &cli.Command{
		Name:      "clean",
		Usage:     "remove what a crash left behind",
		ArgsUsage: "[RUN...]",
		Description: "Removes the containers, volumes and Jobs of runs whose ktask has ended, and what --keep has kept of them. RUN, as in\n" +
			"the label dev.ktask.run, limits it to these runs. What a running ktask uses stays. So does what another machine,\n" +
			"container or user may be using, until it is older than its task's timeout allows, unless --all is given.",
		Flags: append(engineFlags(),
			&cli.BoolFlag{Category: groupSelect, Name: "dry-run", Usage: "list what would be removed, and remove nothing"},
			&cli.BoolFlag{Category: groupSelect, Name: "all", Usage: "also remove what may be in use elsewhere; asks first"},
			&cli.BoolFlag{Category: groupSelect, Name: "force", Aliases: []string{"f"}, Usage: "do not ask"},
			formFlag("text", "json")),
		Action: app.clean,
	}
}

func (app App) clean(c *cli.Context) error {
	s, err := app.settings(c)
	if err != nil {
		return err
	}
	// Only the command line counts, not the file: it decides what is removed.
	typed := settings{flags: s.flags}
	o := cleanOptions{runs: s.args, dryRun: typed.yes("dry-run"), all: typed.yes("all"), force: typed.yes("force")}
	output, err := typed.choice("output", "text", "text", "json")
	if err != nil {
		return err
	}
	o.json = output == "json"
	if o.all && !o.force && !o.dryRun && !app.ErrTerminal {
		return usagef("--all removes what may be in use, and there is no terminal to ask on: add --force or --dry-run")
	}
	if o.engine, err = s.engineOptions(app); err != nil {
		return err
	}
	e, err := app.NewEngine(o.engine)
	if err != nil {
		return exitError{exitEngine, err}
	}
	defer local.CloseEngine(e)
	cleaner, ok := e.(engine.Cleaner)
	if !ok {
		return usagef("the engine %q cannot be cleaned", o.engine.Name)
	}
	ctx, stop := app.stoppable(c.Context, func() string { return "stopping." })
	defer stop()
	if d, ok := e.(engine.Describer); ok { // asks once, where other requests wait for an engine that restarts
		if _, err := d.Describe(ctx); err != nil {
			return exitError{exitEngine, err}
		}
	}
	return app.cleanUp(ctx, cleaner, o)
}

// cleanUp lists the leftovers, asks, removes them and prints what it has done, in this order.
func (app App) cleanUp(ctx context.Context, cleaner engine.Cleaner, o cleanOptions) error {
	runs := local.UserRuns()
	if len(o.runs) == 0 && !o.dryRun && local.EndWarm(runs) > 0 && !o.json {
		_, _ = fmt.Fprintln(app.Out, "removed the containers that waited for the next run")
	}
	all, err := cleaner.Leftovers(ctx, "")
	if err != nil {
		return exitError{exitEngine, err}
	}
	var finds []*find
	for _, left := range all {
		if len(o.runs) == 0 || slices.Contains(o.runs, left.Labels.Run) {
			finds = append(finds, newFind(runs, left))
		}
	}
	if o.all && !o.force && !o.dryRun {
		if o.all, err = app.confirm(ctx, finds); err != nil {
			return err
		}
	}
	failed := false
	remain := map[string]bool{}
	for _, f := range finds {
		f.settle(ctx, cleaner, o)
		failed = failed || f.Action == "failed"
		remain[f.Run] = remain[f.Run] || f.Action != "removed"
		remain[f.ID] = f.Action != "removed"
		if !o.json {
			_, _ = fmt.Fprintln(app.Out, plan.OneLine(f.String()))
		}
	}
	for run := range remain {
		if !remain[run] {
			runs.Forget(run)
		}
	}
	if len(o.runs) == 0 && !o.dryRun {
		local.ForgetDead(cleaner, runs, remain)
	}
	switch {
	case o.json:
		err = writeJSON(app.Out, struct {
			Schema string  `json:"schema"`
			Items  []*find `json:"items"`
		}{"ktask.dev/clean/v1", append([]*find{}, finds...)})
	case len(all) == 0:
		_, _ = fmt.Fprintln(app.Out, "nothing is left behind")
	case len(finds) == 0:
		_, _ = fmt.Fprintf(app.Out, "nothing is left of run %s (`ktask clean --dry-run` lists all leftovers)\n", plan.OneLine(strings.Join(o.runs, ", ")))
	}
	if by, ok := errors.AsType[interrupt](context.Cause(ctx)); ok {
		return exitError{by.code(), nil}
	}
	if failed || err != nil {
		return exitError{exitEngine, err}
	}
	return nil
}

// confirm asks the user whether to remove what may be in use. Only y and yes mean yes.
func (app App) confirm(ctx context.Context, finds []*find) (bool, error) {
	count := 0
	for _, f := range finds {
		if f.fate == owner.Unknown {
			count++
			_, _ = fmt.Fprintf(app.Err, "%s %s: %s\n", f.Kind, f.Name, f.reason())
		}
	}
	if count == 0 {
		return true, nil
	}
	_, _ = fmt.Fprintf(app.Err, "Remove %d that may be in use elsewhere? [y/N] ", count)
	answer := make(chan string, 1)
	go func() { // ends with the process if there is no answer
		line, _ := bufio.NewReader(app.In).ReadString('\n')
		answer <- line
	}()
	select {
	case line := <-answer:
		line = strings.ToLower(strings.TrimSpace(line))
		return line == "y" || line == "yes", nil
	case <-ctx.Done():
		by, _ := errors.AsType[interrupt](context.Cause(ctx))
		return false, exitError{by.code(), nil}
	}
}

// find is a leftover and what clean does with it.
type find struct {
	Action  string `json:"action"` // removed, would-remove, left or failed
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	ID      string `json:"id"`
	Run     string `json:"run"`
	Task    string `json:"task"`
	Attempt int    `json:"attempt"`
	Owner   string `json:"owner"` // alive, dead or unknown
	PID     int    `json:"pid"`   // the owner's, 0 if it cannot be read
	Running bool   `json:"running"`
	Kept    bool   `json:"kept"`
	Reason  string `json:"reason"`

	left engine.Leftover
	fate owner.Fate
}

func newFind(runs owner.Runs, left engine.Leftover) *find {
	fate := local.Fate(runs, left)
	word, _, _ := strings.Cut(left.Labels.Owner, " ")
	pid, _ := strconv.Atoi(word)
	f := &find{
		Kind: left.Kind, Name: left.Name, ID: left.ID, Run: left.Labels.Run, Task: left.Labels.Task, Attempt: left.Labels.Attempt,
		Owner: fate.String(), PID: max(pid, 0), Running: left.Running, Kept: left.Kept, left: left, fate: fate,
	}
	f.Reason = f.reason()
	return f
}

// reason describes the owner of the find.
func (f *find) reason() string {
	switch {
	case f.fate == owner.Alive:
		return fmt.Sprintf("run %s is at work (pid %d)", f.Run, f.PID)
	case f.fate == owner.Dead && f.Kept:
		return fmt.Sprintf("run %s kept it", f.Run)
	case f.fate == owner.Dead && f.left.Overdue:
		return fmt.Sprintf("run %s has ended: its time is over", f.Run)
	case f.fate == owner.Dead:
		return fmt.Sprintf("run %s was killed (pid %d)", f.Run, f.PID)
	}
	return fmt.Sprintf("run %s may be at work on another machine, in another container or for another user (pid %d there)", f.Run, f.PID)
}

// settle removes the find if that is allowed, and sets its Action.
func (f *find) settle(ctx context.Context, cleaner engine.Cleaner, o cleanOptions) {
	switch {
	case f.fate == owner.Alive:
		f.Action = "left"
	case f.fate == owner.Unknown && !o.all:
		f.Action = "left"
		f.Reason += "; --all removes it"
	case o.dryRun:
		f.Action = "would-remove"
	default:
		f.Action = "removed"
		if err := cleaner.Remove(ctx, f.left); err != nil {
			f.Action, f.Reason = "failed", err.Error()
		}
	}
}

// String returns the line to print for the find.
func (f *find) String() string {
	action := map[string]string{"would-remove": "would remove", "failed": "could not remove"}[f.Action]
	if action == "" {
		action = f.Action
	}
	return fmt.Sprintf("%s %s %s: %s", action, f.Kind, f.Name, f.Reason)
}
