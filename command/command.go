// Package command is ktask's command line.
//
// Its input are arguments, streams and the environment; its output are an exit code and what the commands print. Each
// command has a file of its own: it copies its flags into a plain struct, calls the packages below and prints what they
// return. Names of commands and flags, and the exit codes, are a contract with users. The package is independent of Docker.
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
	"github.com/ktask/ktask/engine/report"
	"github.com/ktask/ktask/local"
)

// App connects the command line to a process.
type App struct {
	In       io.Reader
	Out, Err io.Writer
	// OutTerminal and ErrTerminal report whether the streams are terminals, and Size returns the columns and rows of that of Err.
	OutTerminal, ErrTerminal bool
	Size                     func() (columns, rows int)
	// OutPiped reports whether Out is a pipe. Its reader may write to the terminal of Err, as less and tee do.
	OutPiped bool
	// Keyboard is the terminal of In and Out. It is nil if one of them is not a terminal.
	Keyboard *Keyboard
	// NoEscapes reports that a terminal does not understand escape sequences, like the console of an old Windows.
	NoEscapes bool
	// Signals starts the delivery of the signals of the user and the system: the first one stops a run, the second kills it.
	// A command that has nothing to stop does not call it, so signals end it as they end any process. If nil, no signals are
	// delivered.
	Signals func() <-chan os.Signal
	// NewEngine returns the engine of a run.
	NewEngine func(local.EngineOptions) (engine.Engine, error)
	// Executable is the program from which a guardian is started, ktask itself. If empty, there is no guardian.
	Executable string
	// ConfigDir is the user's settings directory, which holds what `ktask trust` records. It is empty if there is none.
	ConfigDir string
	// StateDir is ktask's directory for what it remembers of runs, with which run --failed works. It is empty if there is none.
	StateDir string
	// ScriptDir is the directory of the copies of downloaded scripts. It is empty if there is none.
	ScriptDir string
	// Version is that of the module, and Commit the revision of its sources, or "" if it is not known.
	Version, Commit string
	// Schema is the JSON Schema of manifests.
	Schema []byte

	// screen is Err without escaping, for text that is already printable: problems, and what reporters write.
	screen io.Writer
}

// Main runs the command that args name (without the program's own name) and returns the exit code of the process.
func Main(ctx context.Context, app App, args []string) int {
	app.screen, app.Err = app.Err, printable{app.Err}
	root := app.root()
	setHelp(root, args)
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

// unread reports whether an error means that the reader of the output has closed it: `head`, for example, has what its user
// wanted.
func unread(err error) bool {
	output, ok := errors.AsType[*fs.PathError](err)
	return ok && errors.Is(output, syscall.EPIPE)
}

// complain prints an error, and its remedy if it has one.
func (app App) complain(err error) {
	_, _ = fmt.Fprintf(app.Err, "ktask: %v\n", err)
	var e *engine.Error
	if errors.As(err, &e) && e.Remedy.Known() {
		_, _ = fmt.Fprintf(app.Err, "fix: %s\n", report.Remedy(e.Remedy))
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
		ExitErrHandler:            func(*cli.Context, error) {}, // Main decides the exit code
		OnUsageError:              usageError,
		Commands: []*cli.Command{
			app.initCommand(),
			app.runCommand(),
			app.planCommand(),
			app.testCommand(),
			app.validateCommand(),
			app.listCommand(),
			app.shellCommand(),
			app.imagesCommand(),
			app.lockCommand(),
			app.cleanCommand(),
			app.doctorCommand(),
			app.configCommand(),
			app.trustCommand(),
			app.schemaCommand(),
			app.completionCommand(),
			app.manCommand(),
			app.versionCommand(),
			app.helpCommand(),
			app.completeCommand(),
			app.guardCommand(),
		},
		Flags: []cli.Flag{cli.HelpFlag, &cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Usage: "print ktask's version"}},
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
		for _, c := range append(c.Subcommands, c) {
			c.OnUsageError = usageError
			c.HideHelpCommand = true
			for i, f := range c.Flags {
				c.Flags[i] = named(f)
			}
		}
	}
	return root
}

// noCommand returns the error of a first argument that is not a command. It may be a manifest.
func noCommand(c *cli.Context) error {
	name := c.Args().First()
	if exists(name) {
		return usagef("unknown command %q (to run the tasks in it: ktask run %s)", name, name)
	}
	return usagef("unknown command %q%s", name, didYouMean(name, commandNames(c.App.VisibleCommands())))
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func commandNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return names
}
