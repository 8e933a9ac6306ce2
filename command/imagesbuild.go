package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/distribution/reference"
	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/runtimes"
)

// builds are what `ktask images build` is to do.
type builds struct {
	runtimes          []runtimes.Runtime
	args              map[string]string
	tag               string
	network, platform string
}

func (app App) buildCommand() *cli.Command {
	return &cli.Command{
		Name: "build", Usage: "build ktask's own images of the runtimes, in place of Keptn's", ArgsUsage: "[deno|python]...",
		Description: "Builds the images from a Debian and its packages, with the engine's own builder, and prints a line for each. Put the lines\n" +
			"into .ktask.yaml, in place of lines with the same keys, to run tasks in these images.",
		Flags: append(engineFlags(),
			&cli.StringFlag{Category: groupContainer, Name: "base", Usage: "build on `IMAGE`, a Debian", DefaultText: "debian:bookworm-slim"},
			&cli.StringSliceFlag{Category: groupContainer, Name: "build-arg", Usage: "set an argument of the Dockerfile, `K=V` or the K of a variable, such as DENO=IMAGE, an image with /deno, or http_proxy"},
			&cli.StringFlag{Category: groupContainer, Name: "tag", Usage: "the `NAME` of the image, if one is built", DefaultText: "ktask.local/deno-runtime:local, or python-runtime"},
			&cli.StringFlag{Category: groupContainer, Name: "network", Usage: "the network of the build: `NAME`, host or none", DefaultText: "the engine's"},
			&cli.StringFlag{Category: groupEngine, Name: "platform", Usage: "the platform of the images: `OS/ARCH[/VARIANT]`", DefaultText: "the engine's"}),
		Action: app.imagesBuild,
	}
}

func (app App) imagesBuild(c *cli.Context) error {
	s, err := app.settings(c)
	if err != nil {
		return err
	}
	b, err := settings{flags: s.flags, args: s.args}.builds() // only the command line counts: the file's values are for tasks
	if err != nil {
		return err
	}
	o, err := s.imageEngine(app)
	if err != nil {
		return err
	}
	return app.withEngine(c.Context, o, func(ctx context.Context, e engine.Engine) error {
		builder, ok := e.(engine.ImageBuilder)
		if !ok {
			return usagef("the engine %q builds no images", o.Name)
		}
		for _, r := range b.runtimes {
			if err := app.build(ctx, builder, b, r); err != nil {
				return err
			}
		}
		_, _ = fmt.Fprintln(app.Err, "Put the printed lines into .ktask.yaml, in place of lines with the same keys, to run tasks in these images; the flags of the same names do it for one run.")
		return nil
	})
}

// build builds the image of a runtime and prints the setting that uses it.
func (app App) build(ctx context.Context, builder engine.ImageBuilder, b builds, r runtimes.Runtime) error {
	image := engine.ImageBuild{
		Tag: cmp.Or(b.tag, r.OwnImage()), Context: r.Context(), Args: r.Bases(), Network: b.network, Platform: b.platform, Output: app.Err,
	}
	for name, value := range b.args {
		image.Args[name] = value
	}
	for name := range r.Bases() {
		image.Bases = append(image.Bases, image.Args[name])
	}
	_, _ = fmt.Fprintf(app.Err, "building %s\n", image.Tag)
	if err := builder.BuildImage(ctx, image); err != nil {
		return err
	}
	_, err := fmt.Fprintf(app.Out, "%s-image: %s\n", r.Name, image.Tag)
	return err
}

// builds returns what the command line asks for.
func (s settings) builds() (builds, error) {
	b := builds{args: map[string]string{}, tag: s.text("tag", ""), network: s.text("network", ""), platform: s.text("platform", "")}
	names := s.args
	if len(names) == 0 {
		names = []string{string(plan.RuntimeDeno), string(plan.RuntimePython)}
	}
	for _, name := range names {
		r, ok := runtimes.ByName(plan.Runtime(name))
		if !ok {
			return b, usagef("there is no image for %q: build deno, python or both", name)
		}
		b.runtimes = append(b.runtimes, r)
	}
	for _, v := range s.all("build-arg") {
		name, value, given := strings.Cut(v.text, "=")
		if !given {
			value, given = os.LookupEnv(name)
		}
		switch {
		case name == "":
			return b, v.wrong("K=V, or the name of a variable")
		case given:
			b.args[name] = value
		}
	}
	if base := s.text("base", ""); base != "" {
		b.args["BASE"] = base
	}
	return b, errors.Join(b.checkTag(), b.checkBases())
}

// checkTag refuses the names of Keptn's images and of Docker Hub's official ones: what is built must not be taken for one of them. A
// name in a namespace of Docker Hub may be the user's own.
func (b builds) checkTag() error {
	if b.tag == "" {
		return nil
	}
	if len(b.runtimes) > 1 {
		return usagef("--tag names one image: build deno or python")
	}
	name, err := reference.ParseNormalizedNamed(b.tag)
	if err != nil || strings.Contains(b.tag, "@") {
		return usagef("--tag takes the name of an image, not %q", b.tag)
	}
	for _, keptns := range []string{"ghcr.io/keptn/", "docker.io/keptn/", "docker.io/keptndev/", "docker.io/keptnsandbox/"} {
		if strings.HasPrefix(name.Name(), keptns) {
			return usagef("--tag %s is a name of Keptn's: choose another one, so that nobody takes the image for Keptn's", b.tag)
		}
	}
	if official, ok := strings.CutPrefix(name.Name(), "docker.io/library/"); ok {
		return usagef("--tag %s is a name of Docker Hub's official images: choose another one, such as ktask.local/%s, so that nobody takes the image for one of them", b.tag, official)
	}
	return nil
}

func (b builds) checkBases() error {
	for _, name := range []string{"BASE", "DENO"} {
		if base, given := b.args[name]; given {
			if _, err := reference.ParseNormalizedNamed(base); err != nil {
				return usagef("%s takes the name of an image, not %q", map[string]string{"BASE": "--base", "DENO": "--build-arg DENO"}[name], base)
			}
		}
	}
	return nil
}
