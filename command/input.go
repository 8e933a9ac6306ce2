package command

import (
	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/local"
)

// pathArguments is the usage text of the arguments of a command that reads manifests.
const pathArguments = "PATH..."

// paths returns the arguments, or the paths of the configuration file if there are none.
func (s settings) paths() ([]string, error) {
	if len(s.args) > 0 {
		return s.args, nil
	}
	if paths := s.file["paths"].Values; len(paths) > 0 {
		return paths, nil
	}
	return nil, usagef("name a manifest, a directory or - for standard input (ktask %s PATH...)", s.command)
}

// input returns the settings of a command and the manifests that it names.
func (app App) input(c *cli.Context) (settings, local.Files, error) {
	s, err := app.settings(c)
	if err != nil {
		return s, local.Files{}, err
	}
	files, err := app.read(s)
	return s, files, err
}

// read reads the manifests that the settings name.
func (app App) read(s settings) (local.Files, error) {
	paths, err := s.paths()
	if err != nil {
		return local.Files{}, err
	}
	files, err := local.ReadFiles(paths, app.In)
	if err != nil {
		return local.Files{}, exitError{exitUsage, err}
	}
	return files, nil
}

// The size limits of files other than manifests, in bytes.
const (
	maxSettings = 16 << 20 // .ktask.yaml, and the files of --params-file and --secret-file
	maxSecret   = 1 << 20  // the file of a secret
)
