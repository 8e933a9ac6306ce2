package command

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// starters holds a manifest named hello for each runtime.
//
//go:embed init/*.yaml
var starters embed.FS

func (app App) initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented task to start from",
		ArgsUsage: "[deno|python|container] [NAME]",
		Description: "ktask init writes NAME.yaml, a task that runs as it is. Without a runtime it is a python task, and without NAME its " +
			"name is hello. An existing file is never changed.",
		Action: app.init,
	}
}

func (app App) init(c *cli.Context) error {
	runtime, name, err := starter(c.Args().Slice())
	if err != nil {
		return err
	}
	text, err := starters.ReadFile("init/" + string(runtime) + ".yaml")
	if err != nil {
		return fmt.Errorf("read the %s task: %w", runtime, err)
	}
	inYAML, err := yaml.Marshal(name) // quotes a name like "1" or "yes"
	if err != nil {
		return fmt.Errorf("write the name %q: %w", name, err)
	}
	file := name + ".yaml"
	content := strings.NewReplacer("SCHEMA", spec.SchemaURL, "hello.yaml", file, "metadata:\n  name: hello\n", "metadata:\n  name: "+string(inYAML)).Replace(string(text))
	if err := writeNew(file, content); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%s: the file exists and is not changed (choose another name: ktask init %s NAME)", file, runtime)
		}
		return exitError{exitUsage, err}
	}
	_, err = fmt.Fprintf(app.Out, "wrote %s, a %s task\nnext: ktask run %s\n", file, runtime, file)
	return err
}

// starterRuntimes returns the runtimes of which there is a starter.
func starterRuntimes() []string {
	return []string{string(plan.RuntimeDeno), string(plan.RuntimePython), string(plan.RuntimeContainer)}
}

// starter returns the runtime and the name that the arguments of init mean.
func starter(args []string) (runtime plan.Runtime, name string, err error) {
	runtime, name = plan.RuntimePython, "hello"
	if len(args) > 0 && slices.Contains(starterRuntimes(), args[0]) {
		runtime, args = plan.Runtime(args[0]), args[1:]
	}
	if len(args) > 1 {
		return "", "", usagef("init takes at most a runtime (deno, python or container) and one name, not %q", args[1])
	}
	if len(args) == 0 {
		return runtime, name, nil
	}
	name = args[0]
	if bare := strings.TrimSuffix(name, filepath.Ext(name)); slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(name)) {
		return "", "", usagef("%q: NAME is the name of the task, and its file is NAME.yaml (ktask init %s %s)", name, runtime, bare)
	}
	if wrong := validation.IsDNS1123Subdomain(name); wrong != nil {
		return "", "", usagef("%q is not a valid object name: %s", name, strings.Join(wrong, "; "))
	}
	return runtime, name, nil
}

// writeNew writes a file that must not exist. A file that could not be written completely is removed.
func writeNew(name, content string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}
