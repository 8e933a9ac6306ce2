package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

func (app App) imagesSave(c *cli.Context) error {
	s, l, o, err := app.imagesInput(c)
	if err != nil {
		return err
	}
	file := s.typed("output") // the file's value is for another command
	switch {
	case file == "" && !app.OutTerminal:
		file = "-"
	case file == "", file == "-" && app.OutTerminal:
		return usagef("an archive is not for a terminal: name a file with -o FILE")
	case len(l.plan.Tasks) == 0:
		return usagef("there are no images to save")
	}
	for _, n := range neededImages(l) {
		if strings.Contains(n.Image, "@") && n.locked.ID == "" {
			return exitError{exitUsage, fmt.Errorf("image %q is named by its digest, which an archive does not keep (give it a tag with `docker tag`, and run that with --image %s=TAG)", n.Image, n.Image)}
		}
	}
	return app.withEngine(c.Context, o, func(ctx context.Context, e engine.Engine) error {
		archiver, ok := e.(engine.ImageArchiver)
		finder, finds := e.(engine.ImageFinder)
		if !ok || !finds {
			return usagef("the engine %q saves no images", o.Name)
		}
		if err := app.settle(ctx, s, &l, e); err != nil {
			return err
		}
		images := neededImages(l)
		if err := setStates(ctx, finder, images); err != nil {
			return err
		}
		if missing := withState(images, "missing"); len(missing) > 0 {
			return &engine.Error{
				Reason: engine.ImageNotFound, Err: fmt.Errorf("the engine lacks %s", strings.Join(missing, ", ")),
				Remedy: engine.Remedy{Text: "`ktask images pull` with the same arguments pulls what is missing"},
			}
		}
		var refs []string
		for _, n := range images {
			ref, err := n.archived(ctx, finder)
			if err != nil {
				return err
			}
			refs = append(refs, ref)
		}
		if file == "-" {
			return archiver.SaveImages(ctx, refs, app.Out)
		}
		if err := saveTo(file, func(to io.Writer) error { return archiver.SaveImages(ctx, refs, to) }); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(app.Err, "saved %s to %s; on the other machine: ktask images load %s\n", counted(len(refs), "image"), file, local.ShellPath(file))
		return nil
	})
}

// archived returns the name by which an image is saved. For an image of the lock it is one of the locked ID, by which a run finds the
// image after it was loaded: the name in the manifest, or else the ID.
func (n *neededImage) archived(ctx context.Context, finder engine.ImageFinder) (string, error) {
	if n.locked.ID == "" {
		return n.Image, nil
	}
	for _, ref := range []string{n.locked.Image, n.locked.ID} {
		if found, ok, err := finder.FindImage(ctx, ref, n.Platform); err != nil || ok && found.ID == n.locked.ID {
			return ref, err
		}
	}
	return "", exitError{exitUsage, fmt.Errorf("%s: image %q has another ID on this engine, so a run could not find it after a load (run ktask lock with this engine)", n.locked.Pos, n.locked.Image)}
}

// withState returns the names of images with a state.
func withState(images []*neededImage, state string) []string {
	var all []string
	for _, n := range images {
		if n.State == state {
			all = append(all, n.Image)
		}
	}
	return all
}

// saveTo writes a file that replaces one of its name only when it is complete.
func saveTo(file string, write func(io.Writer) error) (err error) {
	if real, err := filepath.EvalSymlinks(file); err == nil {
		file = real
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a regular file (use -o - and a pipe)", file)
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-*")
	if err != nil {
		return fmt.Errorf("%s: %w", file, local.WithoutPath(err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	if err = errors.Join(write(temporary), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}

func (app App) imagesLoad(c *cli.Context) error {
	s, err := app.settings(c)
	if err != nil {
		return err
	}
	if len(s.args) != 1 {
		return usagef("name one archive, or - for standard input (ktask images load FILE)")
	}
	o, err := s.imageEngine(app)
	if err != nil {
		return err
	}
	from := app.In
	if name := s.args[0]; name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return exitError{exitUsage, fmt.Errorf("%s: %w", name, local.WithoutPath(err))}
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	return app.withEngine(c.Context, o, func(ctx context.Context, e engine.Engine) error {
		archiver, ok := e.(engine.ImageArchiver)
		if !ok {
			return usagef("the engine %q loads no images", o.Name)
		}
		names, err := archiver.LoadImages(ctx, from)
		for _, name := range names {
			_, _ = fmt.Fprintf(app.Out, "%s\n", plan.OneLine(name))
		}
		return err
	})
}
