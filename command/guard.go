package command

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/local"
)

// guardCommand returns the command that runs as a guardian, which users do not call.
func (app App) guardCommand() *cli.Command {
	return &cli.Command{
		Name: local.GuardCommand, Hidden: true, ArgsUsage: "RUN",
		Usage: "remove what a run leaves on the engine when ktask is killed; ktask run starts it",
		Action: func(c *cli.Context) error {
			app.signals() // and ignores them: those for ktask reach the guardian, too
			switch err := local.Guard(c.Context, app.In, app.NewEngine, local.UserRuns()); {
			case errors.Is(err, local.ErrGuardRequest):
				return usagef("%s is started by ktask run only", local.GuardCommand)
			case err != nil:
				return exitError{exitEngine, err}
			}
			return nil
		},
	}
}
