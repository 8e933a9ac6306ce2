package command

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"
)

// manCommand prints the manual page, for those who package ktask.
func (app App) manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print the manual page", Hidden: true,
		Action: func(c *cli.Context) error {
			page, err := c.App.ToManWithSection(1)
			if err != nil {
				return fmt.Errorf("write the manual page: %w", err)
			}
			_, err = io.WriteString(app.Out, page)
			return err
		},
	}
}
