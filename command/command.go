// Package command is ktask's command line.
//
// In come arguments, streams and the environment; out come an exit code and what the commands print. Each command has
// a file of its own, copies its flags into a plain struct first and then does one thing with the packages
// below. The surface is fixed by the project's CLI contract: names of commands, flags, exit codes. This
// package knows no Docker: the engine comes from main.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
)

// App is what a process gives the command line.
type App struct {
	In       io.Reader
	Out, Err io.Writer
	// OutTerminal and ErrTerminal report whether the streams are terminals, and Width how many columns that of Err has.
	OutTerminal, ErrTerminal bool
	Width                    int
	// Signals begins to deliver what the user or the system sends: the first one stops a run, the second kills it. A
	// command that has nothing to stop does not call it, and ends as any process does. nil delivers none.
	Signals func() <-chan os.Signal
	// NewEngine makes the engine of a run.
	NewEngine func(EngineOptions) (engine.Engine, error)
	// Executable is the program that a guardian is started from, ktask itself (see guardian.go); "" is for none.
	Executable string
	// ConfigDir is the user's directory of settings, which holds what `ktask trust` records; "" if there is none.
	ConfigDir string
	Version   string
	// Schema is the JSON Schema of manifests.
	Schema []byte

	// screen is Err for what has been made printable already: problems, and all that reporters write.
	screen io.Writer
}

// EngineOptions say which engine is meant; Default… are what the environment says.
type EngineOptions struct {
	Name                        string
	Host, Context               string
	DefaultHost, DefaultContext string
	ConfigDir                   string
	APIVersion                  string
	TLS, TLSVerify              bool
	CertPath                    string
	Keep                        string
	UserAgent                   string
	// Notice is told what ktask waits for.
	Notice func(text string) `json:"-"`
}

// Main runs the command that args name (without the program's own name) and gives the exit code of the process.
func Main(ctx context.Context, app App, args []string) int {
	app.screen, app.Err = app.Err, printable{app.Err}
	root := app.root()
	args = interspersed(root, args)
	err := unchanged(root, args)
	if err == nil {
		err = root.RunContext(ctx, append([]string{root.Name}, args...))
	}
	var code exitError
	switch {
	case err == nil, unread(err):
		return exitOK
	case errors.As(err, &code):
		if code.err != nil {
			app.complain(code.err)
		}
		return code.code
	}
	app.complain(err)
	return exitUsage
}

// unread tells the error of output that nobody reads any further: head, say, has what its user wanted.
func unread(err error) bool {
	output, ok := errors.AsType[*fs.PathError](err)
	return ok && errors.Is(output, syscall.EPIPE)
}

// complain prints an error, and what to do about it where the error knows.
func (app App) complain(err error) {
	_, _ = fmt.Fprintf(app.Err, "ktask: %v\n", err)
	var e *engine.Error
	if errors.As(err, &e) && e.Remedy != "" {
		_, _ = fmt.Fprintf(app.Err, "fix: %s\n", e.Remedy)
	}
}

func (app App) root() *cli.App {
	root := &cli.App{
		Name:                      "ktask",
		Usage:                     "run Keptn task definitions on this machine, without a cluster",
		Reader:                    app.In,
		Writer:                    app.Out,
		ErrWriter:                 app.Err,
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		UseShortOptionHandling:    false,
		ExitErrHandler:            func(*cli.Context, error) {}, // exit codes are Main's
		OnUsageError:              usageError,
		Commands:                  []*cli.Command{app.runCommand(), app.planCommand(), app.validateCommand(), app.listCommand(), app.cleanCommand(), app.trustCommand(), app.schemaCommand(), app.versionCommand(), app.helpCommand(), app.guardCommand()},
		Flags:                     []cli.Flag{cli.HelpFlag, &cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Usage: "print ktask's version"}},
		Action: func(c *cli.Context) error {
			switch {
			case c.NArg() > 0:
				return noCommand(c)
			case c.Bool("version"):
				return app.printVersion()
			}
			return cli.ShowAppHelp(c)
		},
	}
	for _, c := range root.Commands {
		c.OnUsageError = usageError
		c.HideHelpCommand = true
	}
	return root
}

// noCommand is the error of a first argument that is no command; it may be a manifest.
func noCommand(c *cli.Context) error {
	name := c.Args().First()
	if _, err := os.Stat(name); err == nil {
		return usagef("there is no command %q (to run the tasks in it: ktask run %s)", name, name)
	}
	return usagef("there is no command %q%s", name, didYouMean(name, commandNames(c.App)))
}

func (app App) helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "show how a command is used", ArgsUsage: "[COMMAND]",
		Action: func(c *cli.Context) error {
			switch name := c.Args().First(); {
			case name == "":
				return cli.ShowAppHelp(c)
			case c.App.Command(name) == nil:
				return noCommand(c)
			default:
				return cli.ShowCommandHelp(c, name)
			}
		},
	}
}

func commandNames(root *cli.App) []string {
	var names []string
	for _, c := range root.VisibleCommands() {
		names = append(names, c.Name)
	}
	return names
}
