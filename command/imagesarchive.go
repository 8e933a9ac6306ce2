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
	s, images, o, err := app.imagesInput(c)
	if err != nil {
		return err
	}
	file := s.typed("output") // the file's value is for another command
	switch {
	case file == "" && !app.OutTerminal:
		file = "-"
	case file == "", file == "-" && app.OutTerminal:
		return usagef("an archive is not for a terminal: name a file with -o FILE")
	case len(images) == 0:
		return usagef("there are no images to save")
	}
	var refs []string
	for _, n := range images {
		if strings.Contains(n.Image, "@") {
			return exitError{exitUsage, fmt.Errorf("image %q is named by its digest, which an archive does not keep (give it a tag with `docker tag`, and run that with --image %s=TAG)", n.Image, n.Image)}
		}
		refs = append(refs, n.Image)
	}
	return app.withEngine(c.Context, o, func(ctx context.Context, e engine.Engine) error {
		archiver, ok := e.(engine.ImageArchiver)
		finder, finds := e.(engine.ImageFinder)
		if !ok || !finds {
			return usagef("the engine %q saves no images", o.Name)
		}
		if err := setStates(ctx, finder, images); err != nil {
			return err
		}
		if missing := withState(images, "missing"); len(missing) > 0 {
			return &engine.Error{
				Reason: engine.ImageNotFound, Err: fmt.Errorf("the engine lacks %s", strings.Join(missing, ", ")),
				Remedy: engine.Remedy{Text: "`ktask images pull` with the same arguments pulls what is missing"},
			}
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
	o, err := s.engineOptions(app)
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
