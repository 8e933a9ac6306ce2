package command

import (
	"fmt"
	"runtime"

	"github.com/urfave/cli/v2"
)

func (app App) versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print ktask's version",
		Flags: []cli.Flag{formFlag("text", "json")},
		Action: func(c *cli.Context) error {
			switch output := c.String("output"); {
			case c.NArg() > 0:
				return usagef("version takes no arguments, not %q", c.Args().First())
			case output == "json":
				return writeJSON(app.Out, versionJSON{"ktask.dev/version/v1", app.Version, app.Commit, runtime.Version(), runtime.GOOS, runtime.GOARCH})
			case output == "", output == "text":
				return app.printVersion()
			default:
				return usagef("--output takes text or json, not %q", output)
			}
		},
	}
}

type versionJSON struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
	// Commit is "" if it is not known.
	Commit string `json:"commit"`
	Go     string `json:"go"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
}

func (app App) printVersion() error {
	_, err := fmt.Fprintf(app.Out, "ktask %s %s/%s %s\n", app.Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
	return err
}
