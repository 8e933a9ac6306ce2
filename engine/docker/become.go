package docker

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/docker/inplace"
	"github.com/ktask/ktask/engine/plan"
)

// execOf returns what the program of a prepared container becomes: the process that the engine would have started for the
// container. env is the environment that the engine has given to the program. The error says what only the engine can do.
func (a *attempt) execOf(env []string) (inplace.Exec, error) {
	c, p := a.container, a.prepared
	e := inplace.Exec{
		Args: arguments(c, a.image), Env: taskEnvironment(env, environment(c.Env), a.image.env, p.home),
		Files: filesOf(c.Files), User: p.user, Nonce: p.nonce,
	}
	if len(e.Args) == 0 || e.Args[0] == "" {
		return e, errors.New("the container has no command")
	}
	var err error
	e.Paths, err = commandPaths(e.Args[0], e.Env)
	return e, err
}

// arguments returns the command with its arguments, as Docker takes them from the container and the image, see merge in
// daemon/commit.go of moby.
func arguments(c plan.Container, image imageFacts) []string {
	entrypoint, cmd := []string(revealed(c.Command)), []string(revealed(c.Args))
	if len(entrypoint) == 0 {
		if len(cmd) == 0 {
			cmd = image.cmd
		}
		if c.Command == nil {
			entrypoint = image.entrypoint
		}
	}
	return slices.Concat(entrypoint, cmd)
}

// commandPaths returns the paths at which runtimes look for a command.
func commandPaths(name string, env []string) ([]string, error) {
	if strings.Contains(name, "/") {
		return []string{name}, nil
	}
	i := slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, "PATH=") })
	if i < 0 {
		return nil, errors.New("there is no PATH")
	}
	var all []string
	for _, dir := range strings.Split(strings.TrimPrefix(env[i], "PATH="), ":") {
		if !path.IsAbs(dir) {
			return nil, fmt.Errorf("PATH has the relative directory %q", dir) // runtimes refuse what they find there
		}
		all = append(all, path.Join(dir, name))
	}
	return all, nil
}

// taskEnvironment returns the environment as Docker makes it, in its order: what the engine sets itself, the container's own
// variables, those of the image, and HOME, which the runtime adds if nothing sets it. given is the environment of a container
// without variables of its own.
func taskEnvironment(given, own, image []string, home string) []string {
	ofImage := func(name string) bool { return name != "PATH" && slices.ContainsFunc(image, isVariable(name)) }
	var all, rest []string
	for _, v := range given {
		switch name := variableName(v); {
		case ofImage(name):
			rest = append(rest, v)
		case name != "HOME":
			all = append(all, v)
		case home == "":
			home = strings.TrimPrefix(v, "HOME=")
		}
	}
	for _, v := range own {
		if i := slices.IndexFunc(all, isVariable(variableName(v))); i >= 0 {
			all[i] = v
			continue
		}
		all = append(all, v)
	}
	isSet := func(name string) bool { return slices.ContainsFunc(all, isVariable(name)) }
	for _, v := range rest {
		if !isSet(variableName(v)) {
			all = append(all, v)
		}
	}
	if !isSet("HOME") {
		all = append(all, "HOME="+home)
	}
	return all
}

func variableName(v string) string {
	name, _, _ := strings.Cut(v, "=")
	return name
}

func isVariable(name string) func(string) bool {
	return func(v string) bool { return variableName(v) == name }
}

// filesOf returns the files with the directories above them, which engines create with this mode.
func filesOf(files []plan.File) []inplace.File {
	var all []inplace.File
	made := map[string]bool{"/": true}
	for _, f := range files {
		file := "/" + inRoot(f.Path)
		for _, dir := range above(path.Dir(file)) {
			if !made[dir] {
				made[dir] = true
				all = append(all, inplace.File{Path: dir, Mode: 0o755})
			}
		}
		content := f.Content
		if content == nil {
			content = []byte{}
		}
		all = append(all, inplace.File{Path: file, Mode: uint32(unixMode(f.Mode)), Content: content})
	}
	return all
}

// above returns a directory and those above it, the highest first.
func above(dir string) []string {
	if dir == "/" {
		return []string{dir}
	}
	return append(above(path.Dir(dir)), dir)
}
