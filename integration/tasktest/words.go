package tasktest

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/spec"
)

// flagWithValue matches a flag with its value as it is typed in a shell or quoted in Go, and what ends the value.
var flagWithValue = regexp.MustCompile(`--(secret|param|env|network|task|compose|namespace|allow) ((?:"(?:[^"\\]|\\.)*"|'[^']*'|\\'|[^\s'"\\])+?)([,;:)]?(?:\s|$))`)

// phrases are what a test can change, for other phrases with flags and for the origins of a test's options.
var phrases = strings.NewReplacer(
	"--lenient", configure("o.Lenient = true"),
	"the flags --deno-image and --python-image set it", "DenoImage and PythonImage in tasktest.Configure set it",
	"--keptn-namespace", "KeptnNamespace in tasktest.Configure",
	"--context FIELD=VALUE sets a field of it", "a test cannot set a field of it",
	"--mount", "Mounts in tasktest.Configure",
	"--task", "tasktest.Task",
	"option Params", "tasktest.Param", "option Secrets", "tasktest.Secret", "option Env", "tasktest.Env",
	"option Images", "Images in tasktest.Configure",
)

// configure returns the code that sets an option of package local.
func configure(code string) string {
	return fmt.Sprintf("tasktest.Configure(func(o *local.Options) { %s })", code)
}

// forTest returns a remedy of the command line with the options of a test in place of flags.
func forTest(text string) string {
	return phrases.Replace(flagWithValue.ReplaceAllStringFunc(text, func(match string) string {
		parts := flagWithValue.FindStringSubmatch(match)
		return option(parts[1], unquoted(parts[2])) + parts[3]
	}))
}

// option returns the code of the option for a flag with its value.
func option(flag, value string) string {
	switch flag {
	case "secret", "param", "env":
		name, value, _ := strings.Cut(value, "=")
		return fmt.Sprintf("tasktest.%s(%s, %s)", strings.ToUpper(flag[:1])+flag[1:], literal(name), literal(value))
	case "network":
		return "tasktest.Network(" + literal(value) + ")"
	case "task":
		return "tasktest.Task(" + literal(value) + ")"
	case "compose":
		return configure("o.Compose = " + literal(value))
	case "namespace":
		return configure("o.Namespace = " + literal(value))
	}
	return configure("o.Allow = append(o.Allow, " + literal(value) + ")")
}

// literal returns a value as a Go string, unless it only stands for one.
func literal(value string) string {
	if value == "NAME" || value == "VALUE" {
		return value
	}
	return strconv.Quote(value)
}

// unquoted returns a word as a shell or Go reads it.
func unquoted(word string) string {
	if text, err := strconv.Unquote(word); err == nil && word[0] == '"' {
		return text
	}
	return strings.NewReplacer(`'\''`, "'", "'", "").Replace(word)
}

// problemForTest returns the text of a problem, with what a test can change.
func problemForTest(p spec.Problem) string {
	p.Remedy = forTest(p.Remedy)
	if p.Pos.File == "" { // it is one of the options, and its message names them
		p.Message = forTest(p.Message)
	}
	return plan.OneLine(p.String())
}

// warning returns the text of a warning.
func warning(w local.Warning) string {
	if w.Code == local.Manifest {
		return problemForTest(w.Problem)
	}
	return plan.OneLine(w.String())
}

// invalid returns the errors among the problems of manifests and options, one a line.
func invalid(err *spec.InvalidError) string {
	var lines []string
	for _, p := range err.Problems.Errors() {
		lines = append(lines, problemForTest(p))
	}
	return strings.Join(lines, "\n")
}

// failure returns the text of an error of a run, which begins with a path.
func failure(path string, err error) string {
	text := explain(err)
	if wrong, ok := errors.AsType[*spec.InvalidError](err); ok {
		text = invalid(wrong)
	}
	if strings.HasPrefix(text, path) || strings.HasPrefix(text, filepath.Clean(path)) {
		return text
	}
	return path + ": " + text
}
