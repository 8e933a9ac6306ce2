package command

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/resolve"
)

// pulledAtOnce is how many images are pulled at the same time: as many as Docker downloads layers of an image.
const pulledAtOnce = 3

func (app App) imagesPull(c *cli.Context) error {
	s, l, o, err := app.imagesInput(c)
	if err != nil {
		return err
	}
	// Only the command line counts: a file's policy is for runs.
	policy, err := settings{flags: s.flags}.choice("pull", "missing", "missing", "always")
	if err != nil {
		return err
	}
	if s.typed("offline") == "true" {
		return usagef("ktask images pull needs the network: leave out --offline")
	}
	if len(l.plan.Tasks) == 0 {
		return nil
	}
	return app.withEngine(c.Context, o, func(ctx context.Context, e engine.Engine) error {
		if err := app.settle(ctx, s, &l, e); err != nil {
			return err
		}
		return app.pullImages(ctx, e, neededImages(l), map[string]plan.PullPolicy{"missing": plan.PullIfNotPresent, "always": plan.PullAlways}[policy], s.yes("quiet"))
	})
}

// pullImages pulls images and prints what comes of each; if quiet, only failures.
func (app App) pullImages(ctx context.Context, e engine.Engine, images []*neededImage, policy plan.PullPolicy, quiet bool) error {
	var (
		mu     sync.Mutex
		failed bool
		work   sync.WaitGroup
	)
	progress := app.progress()
	if quiet {
		progress = func(string, string) {}
	}
	places := make(chan struct{}, pulledAtOnce)
	for _, n := range images {
		places <- struct{}{}
		work.Go(func() {
			defer func() { <-places }()
			shown := false
			t := n.asTask(policy)
			err := engine.ExplainImage(e.Prepare(ctx, t.Container, engine.SinkFunc(func(event engine.Event) {
				if p, ok := event.(engine.ImageProgress); ok {
					mu.Lock()
					defer mu.Unlock()
					shown = true
					progress(n.Image, p.Status)
				}
			})), t)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case ctx.Err() != nil:
			case err != nil:
				failed = true
				app.complain(err)
			case !shown:
				progress(n.Image, "present")
			}
		})
	}
	work.Wait()
	if failed {
		return exitError{exitEngine, nil}
	}
	return nil
}

// progress returns a function that prints what is done with an image or a script, each status once.
func (app App) progress() func(name, status string) {
	type line struct{ name, status string }
	shown := map[line]bool{}
	return func(name, status string) {
		if !shown[line{name, status}] {
			shown[line{name, status}] = true
			_, _ = fmt.Fprintf(app.Err, "%s: %s\n", plan.OneLine(name), status)
		}
	}
}

// asTask returns a task that needs the image, with the pull credentials of all tasks that need it.
func (n *neededImage) asTask(policy plan.PullPolicy) plan.Task {
	t := n.tasks[0]
	if n.locked.Image != "" && !resolve.IsPinned(n.Image) {
		policy = plan.PullNever // the lock has only an ID, which no registry knows
	}
	t.Container = plan.Container{Image: n.Image, ImageOrigin: t.Container.ImageOrigin, Platform: t.Container.Platform, PullPolicy: policy}
	for _, other := range n.tasks {
		for _, c := range other.Container.PullCredentials {
			if !slices.Contains(t.Container.PullCredentials, c) {
				t.Container.PullCredentials = append(t.Container.PullCredentials, c)
			}
		}
	}
	return t
}
