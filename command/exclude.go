package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"

	"github.com/ktask/ktask/local"
)

// exclude returns what --exclude leaves out, or nil. A pattern with a slash is relative to the current directory, or if it is in
// .ktask.yaml to its directory; one without applies to the names of files and directories anywhere. * does not match a slash, ** does.
func (s settings) exclude() (func(path string) bool, error) {
	var matches []func(path string) bool
	for _, v := range s.all("exclude") {
		base := "."
		if !v.typed && s.project.dir != "" {
			base = s.project.dir
		}
		pattern := strings.TrimPrefix(strings.TrimSuffix(v.text, "/"), "./")
		if !strings.Contains(pattern, "/") {
			pattern = "**/" + pattern
		}
		m, err := patternmatcher.New([]string{filepath.FromSlash(strings.TrimPrefix(pattern, "/"))})
		if err != nil || pattern == "**/" || strings.HasPrefix(v.text, "!") {
			return nil, v.wrong("a pattern like '*-values.yaml' or 'charts/**'")
		}
		dir, err := newBoundary(base)
		if err != nil {
			return nil, exitError{exitUsage, fmt.Errorf("find the directory of --exclude: %w", local.WithoutPath(err))}
		}
		matches = append(matches, func(path string) bool {
			parent, err := newBoundary(filepath.Dir(path)) // the file itself may be a link that leads nowhere
			if err != nil {
				return false
			}
			rel, err := filepath.Rel(string(dir), filepath.Join(string(parent), filepath.Base(path)))
			if err != nil {
				return false
			}
			found, err := m.MatchesOrParentMatches(rel)
			return err == nil && found
		})
	}
	if matches == nil {
		return nil, nil
	}
	return func(path string) bool {
		return slices.ContainsFunc(matches, func(match func(string) bool) bool { return match(path) })
	}, nil
}
