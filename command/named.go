package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// searchWithin is how long an argument that is not a file is looked for among the manifests.
const searchWithin = 2 * time.Second

// meant returns an error that says what to type instead of an argument that is not a file, if it is the name of a task or an app
// among the other paths, and otherwise the error of the read.
func (s settings) meant(failure error) error {
	i := slices.IndexFunc(s.args, func(arg string) bool {
		_, err := os.Lstat(arg)
		return arg != "-" && errors.Is(err, fs.ErrNotExist)
	})
	if i < 0 || !s.has("task") {
		return failure
	}
	name := s.args[i]
	if s.yes("verbose") && strings.Contains(name, ":") {
		return usagef("%s: no such file or directory (-v prints more and takes no value; to mount a path: --mount SRC:DST)", name)
	}
	paths := slices.DeleteFunc(slices.Clone(s.args), func(arg string) bool { return arg == name || arg == "-" })
	if len(paths) == 0 {
		paths = s.file["paths"].Values
	}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	found := make(chan string, 1)
	go func() { found <- flagFor(name, paths) }()
	select {
	case flag := <-found:
		if flag == "" {
			return failure
		}
		var typed []string
		for _, word := range append([]string{name}, paths...) {
			typed = append(typed, local.ShellPath(word))
		}
		return usagef("%s is not a file but %s: ktask %s %s %s", name, map[string]string{"-t": "a task", "--app": "an app"}[flag], s.command, flag, strings.Join(typed, " "))
	case <-time.After(searchWithin):
		return failure
	}
}

// flagFor returns the flag that selects the task or app of a name among the manifests of paths, or "".
func flagFor(name string, paths []string) string {
	files, err := local.ReadFiles(paths, nil)
	if err != nil {
		return ""
	}
	o := resolve.Options{Namespace: local.DefaultNamespace, KeptnNamespace: local.DefaultKeptnNamespace, Tasks: []string{name}}
	m, _, _ := spec.Load(files.Files, spec.Options{Namespace: o.Namespace, Lenient: true}) // its problems are those of another command
	if tasks, definitions, _ := resolve.Select(m, o); len(tasks)+len(definitions) > 0 {
		return "-t"
	}
	apps, _ := resolve.Apps(m, o)
	if slices.ContainsFunc(apps, func(a resolve.AppTree) bool {
		return a.Name == name || fmt.Sprintf("%s/%s", a.Namespace, a.Name) == name
	}) {
		return "--app"
	}
	return ""
}
