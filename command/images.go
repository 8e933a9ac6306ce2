package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/spec"
)

func (app App) imagesCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag { return append(append(taskFlags(), engineFlags()...), more...) }
	return &cli.Command{
		Name:      "images",
		Usage:     "list the images that tasks need; build, pull, save and load them",
		ArgsUsage: pathArguments,
		Description: "Lists the images of the tasks that `ktask run` would run, where each comes from, and whether the engine has it.\n" +
			"Values of secrets may be missing.",
		Flags: flags(formFlag("text", "json"), lockedFlag()),
		Subcommands: []*cli.Command{
			app.buildCommand(),
			{
				Name: "pull", Usage: "pull the images that the engine lacks, or all with --pull always", ArgsUsage: pathArguments,
				Flags: flags(lockedFlag(), quietFlag("do not print progress")), Action: app.imagesPull,
			},
			{
				Name: "save", Usage: "write the images to an archive, for a machine without a network", ArgsUsage: pathArguments,
				Flags:  flags(&cli.StringFlag{Category: groupOutput, Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, or to standard output if it is -"}, lockedFlag()),
				Action: app.imagesSave,
			},
			{
				Name: "load", Usage: "add the images of an archive to the engine", ArgsUsage: "FILE|-",
				Flags: engineFlags(), Action: app.imagesLoad,
			},
		},
		Action: app.imagesList,
	}
}

// neededImage is an image that tasks need.
type neededImage struct {
	Image    string       `json:"image"`
	Platform string       `json:"platform,omitempty"`
	State    string       `json:"state"`            // present, missing or unknown
	Digest   string       `json:"digest,omitempty"` // in the registry of its name
	ID       string       `json:"id,omitempty"`     // on the engine
	Bytes    int64        `json:"sizeBytes,omitempty"`
	Tasks    []neededTask `json:"tasks"`

	tasks []plan.Task
	// locked is what the lock has for the image. It is empty without --locked, and for an image that a manifest names by its digest.
	locked spec.LockedImage
}

// neededTask is a task that needs an image.
type neededTask struct {
	Name    string       `json:"name"`
	Runtime plan.Runtime `json:"runtime"`
	Origin  plan.Origin  `json:"origin"` // of the name of the image
}

// neededImages returns the images of a plan, each once, in the order of their first use.
func neededImages(l locked) []*neededImage {
	var all []*neededImage
	for at, t := range l.plan.Tasks {
		c := t.Container
		i := slices.IndexFunc(all, func(n *neededImage) bool { return n.Image == c.Image }) // all have the platform of the options
		if i < 0 {
			i, all = len(all), append(all, &neededImage{Image: c.Image, Platform: c.Platform, State: "unknown"})
			for _, locked := range l.lock.Images {
				if locked.Image == l.before.Tasks[at].Container.Image {
					all[i].locked = locked
				}
			}
		}
		all[i].Tasks = append(all[i].Tasks, neededTask{t.Name, t.Runtime, c.ImageOrigin})
		all[i].tasks = append(all[i].tasks, t)
	}
	return all
}

// imagesInput returns the settings of a command about images, the plan whose images it is about, and the engine's options.
func (app App) imagesInput(c *cli.Context) (s settings, l locked, o local.EngineOptions, err error) {
	if s, err = app.settings(c); err != nil {
		return s, l, o, err
	}
	tasks, err := s.taskOptions()
	if err != nil {
		return s, l, o, err
	}
	if o, err = s.imageEngine(app); err != nil {
		return s, l, o, err
	}
	tasks.Node, tasks.OnCluster = o.Node()
	tasks.Preview, tasks.WithoutSecrets = true, true
	p, err := app.load(s, tasks, showErrors)
	if err == nil {
		l, err = app.applyLockToImages(s, p)
	}
	return s, l, o, err
}

func (app App) imagesList(c *cli.Context) error {
	name := c.Args().First()
	if hint := didYouMean(name, commandNames(c.Command.Subcommands)); hint != "" && !exists(name) {
		return usagef("unknown command %q%s", "images "+name, hint)
	}
	s, l, o, err := app.imagesInput(c)
	if err != nil {
		return err
	}
	images := neededImages(l)
	output, err := s.choice("output", "text", "text", "json")
	if err != nil {
		return err
	}
	if err := app.findImages(c.Context, o, images); err != nil {
		app.complain(fmt.Errorf("which images the engine has is not known: %w", err))
	}
	if output == "json" {
		return writeJSON(app.Out, struct {
			Schema string         `json:"schema"`
			Images []*neededImage `json:"images"`
		}{"ktask.dev/images/v1", append([]*neededImage{}, images...)})
	}
	return writeImages(app.Out, images)
}

// findImages sets the state of images.
func (app App) findImages(ctx context.Context, o local.EngineOptions, images []*neededImage) error {
	if len(images) == 0 {
		return nil
	}
	e, err := app.NewEngine(o)
	if err != nil {
		return err
	}
	defer local.CloseEngine(e)
	finder, ok := e.(engine.ImageFinder)
	if !ok {
		return fmt.Errorf("the engine %q reports no images", o.Name)
	}
	return setStates(ctx, finder, images)
}

// setStates asks the engine for each image.
func setStates(ctx context.Context, finder engine.ImageFinder, images []*neededImage) error {
	for _, n := range images {
		found, ok, err := finder.FindImage(ctx, n.Image, n.Platform)
		if err == nil && !ok && n.locked.ID != "" { // one that was loaded has lost its digest
			found, ok, err = finder.FindImage(ctx, n.locked.ID, n.Platform)
		}
		if err != nil {
			return err
		}
		n.State = "missing"
		if ok {
			n.State, n.Digest, n.ID, n.Bytes = "present", found.Digest, found.ID, found.Bytes
			n.Platform = cmp.Or(n.Platform, found.Platform)
		}
	}
	return nil
}

func writeImages(out io.Writer, images []*neededImage) error {
	w := tabwriter.NewWriter(printable{out}, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "IMAGE\tPLATFORM\tENGINE\tTASKS\tFROM")
	for _, n := range images {
		var tasks, origins []string
		for _, t := range n.Tasks {
			tasks = append(tasks, fmt.Sprintf("%s (%s)", t.Name, t.Runtime))
			if from := t.Origin.String(); !slices.Contains(origins, from) {
				origins = append(origins, from)
			}
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", plan.OneLine(n.Image), cmp.Or(n.Platform, "-"), n.State, some(tasks), plan.OneLine(some(origins)))
	}
	return w.Flush()
}

// some returns the first texts of a list, and the number of the others.
func some(all []string) string {
	const most = 3
	if len(all) > most+1 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}

// withEngine calls work with the engine, under a context that a signal ends, and returns its error with an exit code.
func (app App) withEngine(ctx context.Context, o local.EngineOptions, work func(context.Context, engine.Engine) error) error {
	e, err := app.NewEngine(o)
	if err != nil {
		return exitError{exitEngine, err}
	}
	defer local.CloseEngine(e)
	ctx, stop := app.stoppable(ctx, func() string { return "stopping." })
	defer stop()
	err = work(ctx, e)
	if by, ok := errors.AsType[interrupt](context.Cause(ctx)); ok {
		return exitError{by.code(), nil}
	}
	var code exitError
	if err != nil && !errors.As(err, &code) {
		return exitError{exitEngine, err}
	}
	return err
}
