package command

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// withUntracked returns the problems of a repository's files with those of missing objects as errors if files that git does not
// track have the objects: a clone would not have them. Secrets are rightly kept out of a repository.
func (app App) withUntracked(s settings, files local.Files, o resolve.Options, problems spec.Problems) (spec.Problems, error) {
	missing := func(p spec.Problem) bool { return resolve.IsMissing(p) && p.Rule != "missing-secret" }
	if len(files.Untracked) == 0 || !slices.ContainsFunc(problems, missing) {
		return problems, nil
	}
	paths, err := s.paths()
	if err != nil {
		return nil, err
	}
	all, err := local.ReadFiles(slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p == "-" }), nil)
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	m, _ := local.Check(all, o)
	result := slices.Clone(problems)
	for i, p := range result {
		file := holder(m, p)
		if missing(p) && slices.ContainsFunc(files.Untracked, func(name string) bool { return same(name, file) }) {
			result[i].Severity, result[i].Rule = spec.Error, "not-tracked"
			result[i].Message += ", but git does not track the file that holds it"
			result[i].Remedy = "git add -- " + local.ShellPath(file)
		}
	}
	return result, nil
}

// holder returns the file of the object that a problem reports as missing, or "".
func holder(m spec.Manifests, p spec.Problem) string {
	var all []spec.Meta
	switch p.Rule {
	case "missing-definition":
		for _, d := range m.Definitions {
			all = append(all, d.Meta)
		}
	case "missing-configmap":
		for _, c := range m.ConfigMaps {
			all = append(all, c.Meta)
		}
	case "missing-workload":
		for _, w := range m.Workloads {
			all = append(all, w.Meta)
		}
	}
	for _, meta := range all {
		if strings.Contains(p.Message, strconv.Quote(meta.Name)) {
			return meta.Pos.File
		}
	}
	return ""
}

// same reports whether a path is that of a file among the manifests.
func same(path, file string) bool { return filepath.ToSlash(filepath.Clean(path)) == file }
