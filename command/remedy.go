package command

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/spec"
)

// chartArgument matches the argument of helm template.
var chartArgument = regexp.MustCompile(`helm template \S+ \|`)

// adapted returns the problems with remedies that can be typed: with the command in use, and the directory of the chart that a file
// belongs to.
func (s settings) adapted(problems spec.Problems) spec.Problems {
	all := slices.Clone(problems)
	for i, p := range all {
		all[i].Remedy = s.typable(p.Remedy, p.Pos.File)
	}
	return all
}

// typable returns a remedy for a problem in a file, or a message with such a remedy, as it can be typed.
func (s settings) typable(text, file string) string {
	const piped = "| ktask run -"
	if !strings.Contains(text, piped) {
		return text
	}
	text = chartArgument.ReplaceAllLiteralString(text, "helm template "+chartOf(file)+" |")
	return strings.ReplaceAll(text, piped, "| ktask "+s.command+" -")
}

// chartOf returns the directory of the chart that a file belongs to, as it is typed in a shell, or CHART if it is not known.
func chartOf(file string) string {
	for dir := filepath.Dir(file); file != spec.Stdin; dir = filepath.Dir(dir) {
		if info, err := os.Stat(filepath.Join(dir, "Chart.yaml")); err == nil && info.Mode().IsRegular() {
			return local.ShellPath(dir)
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return "CHART"
}
