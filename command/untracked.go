package command

import (
	"slices"
	"strings"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
	"github.com/ktask/ktask/spec"
)

// withUntracked returns the problems of a repository's files with the warnings of missing objects as errors if files that git does
// not track have the objects: a clone would not have them. Secrets are rightly kept out of a repository.
func (app App) withUntracked(paths []string, files local.Files, o resolve.Options, problems spec.Problems) (spec.Problems, error) {
	missing := func(p spec.Problem) bool { return resolve.IsMissing(p) && p.Rule != "missing-secret" }
	if len(files.Untracked) == 0 || !slices.ContainsFunc(problems, missing) {
		return problems, nil
	}
	all, err := local.ReadFiles(paths, app.In)
	if err != nil {
		return nil, exitError{exitUsage, err}
	}
	_, others := local.Check(all, o)
	result := slices.Clone(problems)
	for i, p := range result {
		stays := func(other spec.Problem) bool { return other.Rule == p.Rule && other.Pos == p.Pos }
		if missing(p) && !slices.ContainsFunc(others, stays) {
			result[i].Severity, result[i].Rule = spec.Error, "not-tracked"
			result[i].Message += ", but git does not track the file that holds it"
			result[i].Remedy = "git add it: " + listed(files.Untracked)
		}
	}
	return result, nil
}

// listed returns the first of some names of files.
func listed(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
