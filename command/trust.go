package command

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/spec"
)

const trustName = "trust"

func (app App) trustCommand() *cli.Command {
	return &cli.Command{
		Name:      trustName,
		Usage:     "accept settings of a .ktask.yaml that reach outside of its directory",
		ArgsUsage: "[DIR]",
		Description: "Shows the settings in DIR/.ktask.yaml that reach outside of DIR: engines, mounts, networks, variables of the environment,\n" +
			"files elsewhere. From then on they count, until the file changes. Without DIR it is the current directory.",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "revoke", Usage: "withdraw the trust"}},
		Action: app.trust,
	}
}

func (app App) trust(c *cli.Context) error {
	if c.NArg() > 1 {
		return usagef("ktask trust takes one directory")
	}
	if !filepath.IsAbs(app.ConfigDir) {
		return exitError{exitUsage, errors.New("there is no directory for the user's settings (set HOME or XDG_CONFIG_HOME)")}
	}
	f, err := trusted(c.Args().First())
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return exitError{exitUsage, err}
	case c.Bool("revoke"):
		return app.revoke(f)
	}
	p, problems, err := readProject(c.App, f)
	if err != nil {
		return exitError{exitUsage, err}
	}
	app.printer(settings{}, nil).print(problems)
	if len(problems.Errors()) > 0 {
		return exitError{exitUsage, nil}
	}
	count, out := 0, printable{app.Out}
	for _, setting := range p.settings {
		for _, r := range p.within.reaches(setting) {
			if r.through {
				app.printer(settings{}, nil).print(spec.Problems{r.problem()})
				continue
			}
			count++
			_, _ = fmt.Fprintln(out, plan.OneLine(fmt.Sprintf("%s: %s", r.at, r.whole(p.within))))
		}
	}
	if count == 0 {
		_, err := fmt.Fprintf(out, "%s: nothing in it needs trust\n", plan.OneLine(f.name()))
		return err
	}
	if err := remember(app.ConfigDir, p); err != nil {
		return exitError{exitUsage, fmt.Errorf("record the trust: %w", err)}
	}
	_, err = fmt.Fprintf(out, "%s: trusted until it changes (ktask trust --revoke takes it back)\n", plan.OneLine(f.name()))
	return err
}

// trustDir returns the directory with a file for each trusted .ktask.yaml and content. The name of such a file is the hash
// of both; it contains the path.
func trustDir(configDir string) string { return filepath.Join(configDir, "ktask", "trust") }

func trustRecord(configDir string, p project) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\x00%s", p.file(), p.data)
	return filepath.Join(trustDir(configDir), fmt.Sprintf("%x", hash.Sum(nil)))
}

// trusts reports whether the user has accepted the file with this content.
func trusts(configDir string, p project) bool {
	if !filepath.IsAbs(configDir) {
		return false
	}
	info, err := os.Lstat(trustRecord(configDir, p))
	return err == nil && info.Mode().IsRegular()
}

func remember(configDir string, p project) error {
	if err := os.MkdirAll(trustDir(configDir), 0o700); err != nil {
		return err
	}
	return os.WriteFile(trustRecord(configDir, p), []byte(p.file()), 0o600)
}

// trusted returns the settings that trust is about: those in a directory, or if it is "", those that count here.
func trusted(dir string) (found, error) {
	if dir != "" {
		return projectIn(dir)
	}
	f, err := findProject()
	if errors.Is(err, fs.ErrNotExist) {
		f = found{dir: ".", base: configFile}
	}
	return f, err
}

// revoke removes the trust in a file with any content. The file may be gone.
func (app App) revoke(f found) error {
	b, err := newBoundary(f.dir)
	if err != nil {
		return exitError{exitUsage, fmt.Errorf("%s: %w", f.dir, local.WithoutPath(err))}
	}
	records, err := os.ReadDir(trustDir(app.ConfigDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return exitError{exitUsage, err}
	}
	said := "was not trusted"
	for _, record := range records {
		name := filepath.Join(trustDir(app.ConfigDir), record.Name())
		of, err := local.ReadFile(name, maxSettings)
		if err != nil || string(of) != filepath.Join(string(b), configFile) && string(of) != filepath.Join(string(b), otherConfigFile) {
			continue
		}
		if err := os.Remove(name); err != nil {
			return exitError{exitUsage, err}
		}
		said = "is no longer trusted"
	}
	_, err = fmt.Fprintf(printable{app.Out}, "%s: %s\n", plan.OneLine(f.name()), said)
	return err
}
