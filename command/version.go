package command

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"
)

func (app App) versionCommand() *cli.Command {
	return &cli.Command{
		Name:   "version",
		Usage:  "print ktask's version",
		Action: func(*cli.Context) error { return app.printVersion() },
	}
}

func (app App) printVersion() error {
	_, err := fmt.Fprintf(app.Out, "ktask %s %s/%s %s\n", app.Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
	return err
}
