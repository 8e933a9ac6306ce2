package resolve

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// NamesTasks reports whether the options name the tasks to run, other than those of stages.
func (o Options) NamesTasks() bool { return len(o.Tasks) > 0 && !o.Lifecycle.chosen() }

// ResolveNamed does what Resolve does for tasks that the options name, if files have errors. found are the problems of the load. The
// errors among them that the tasks do not need become warnings, see "Errors beside the selected tasks" in docs/fidelity.md. It
// returns found, too.
func ResolveNamed(m spec.Manifests, o Options, files []spec.File, found spec.Problems) (plan.Plan, spec.Problems, error) {
	r, p := resolve(m, o)
	n, more := r.selection(files), r.problems()
	n.unknown = slices.ContainsFunc(more, func(p spec.Problem) bool {
		return p.Severity == spec.Error && (p.Rule == "no-such-task" || IsMissing(p))
	})
	all := slices.Clone(found)
	for i, problem := range all {
		if problem.Severity == spec.Error && !n.needed(problem) {
			all[i].Severity = spec.Warning
		}
	}
	if r.incomplete() && all.Err() == nil && more.Err() == nil { // a task was left out because of an error that was found
		all = slices.Clone(found)
	}
	failed := all.Err() != nil || r.incomplete()
	all = append(all, more...)
	err := all.Err()
	if err != nil && failed {
		return plan.Plan{}, all, err
	}
	p.Warnings = Warnings(all)
	return p, all, err
}

// selection is what the selected tasks may need of the files.
type selection struct {
	patterns patterns
	// names are the names of all objects that were looked up.
	names map[string]bool
	// files are the texts of the files, and words matches a name in them.
	files map[string][]byte
	words *regexp.Regexp
	// unknown means that an object was not found, so it may be any without a known name.
	unknown bool
}

// selection returns what the selected tasks may need of the files.
func (r *resolver) selection(files []spec.File) selection {
	n := selection{names: r.index.asked, files: map[string][]byte{}}
	var words []string
	for _, pattern := range r.tasks {
		name := pattern[strings.LastIndex(pattern, "/")+1:]
		n.patterns = append(n.patterns, name)
		if strings.ContainsAny(name, `*?[\`) {
			words = append(words, "") // matches any text
		}
		words = append(words, regexp.QuoteMeta(name))
	}
	for name := range n.names {
		words = append(words, regexp.QuoteMeta(name))
	}
	n.words = regexp.MustCompile(`(?:^|[^\w.-])(?:` + strings.Join(words, "|") + `)(?:$|[^\w.-])`)
	for _, f := range files {
		n.files[f.Name] = f.Data
	}
	return n
}

// needed reports whether a problem may be one of an object that a selected task needs: an object of its name in any namespace, or
// one without a known name in a file that has the name, or in any file if an object was not found.
func (n selection) needed(p spec.Problem) bool {
	_, quoted, _ := strings.Cut(p.Pos.Object, " ")
	if name, err := strconv.Unquote(quoted); err == nil && p.Rule != "duplicate-key" { // otherwise it may have two names
		return n.names[name] || len(n.patterns.matching(name)) > 0
	}
	text, known := n.files[p.Pos.File]
	return n.unknown || !known || bytes.IndexByte(text, 0) >= 0 || n.words.Match(text) // UTF-16 has zeros
}
