package command

import (
	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/spec"
)

func (app App) schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of manifests, for editors",
		Description: "Editors with yaml-language-server complete and check a manifest that begins with the line\n\n" +
			"    # yaml-language-server: $schema=keptn.schema.json\n\n" +
			"Without a file, the newest one is at\n\n    " + spec.SchemaURL,
		Action: func(*cli.Context) error {
			_, err := app.Out.Write(app.Schema)
			return err
		},
	}
}
