package spec

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// A fault of a document that ktask does not run does not prevent a run, see "Documents of others" in docs/fidelity.md.

// lastCounts is the remedy for a key that is given twice where that is a warning.
const lastCounts = "kubectl and ktask use the last one: remove the others"

// partOfScript is the remedy for what follows a document that ktask reads and is not a Kubernetes object.
const partOfScript = "indent it if it belongs to the document before, which a line --- ends"

// passedOver collects the problems of the documents of a file that ktask does not run.
type passedOver struct {
	problems Problems
	// count is the number of problems, including those that are not kept.
	count int
	// headers reports whether a document of the file has a valid header.
	headers bool
	// afterOwn reports whether ktask reads the document before the current one.
	afterOwn bool
}

// passOver records a problem of a document that ktask does not run, unless it has recorded as many as are kept.
func (l *loader) passOver(p Problem) {
	p.Sensitive = p.Sensitive || l.sensitive
	if l.passed.count++; l.passed.count <= maxProblems {
		l.passed.problems = append(l.passed.problems, p)
	}
}

// reportPassedOver reports the first of the problems that passOver recorded, as a warning. If the user named the file and none of
// its documents is a Kubernetes object, all are errors.
func (l *loader) reportPassedOver() {
	switch {
	case l.passed.count == 0:
	case l.file.Named && !l.passed.headers:
		for _, p := range l.passed.problems {
			l.problem(p)
		}
	default:
		first := l.passed.problems[0]
		first.Severity = Warning
		if first.Rule == "duplicate-key" {
			first.Remedy = lastCounts
		}
		if more := l.passed.count - 1; more > 0 {
			first.Message += fmt.Sprintf("; %d more in documents of this file that ktask does not run", more)
		}
		l.problem(first)
	}
}

var (
	// keptnText matches an apiVersion or a kind of Keptn.
	keptnText = regexp.MustCompile(`(?i)\.keptn\.sh/|\bkind["']?\s*:\s*["']?keptn`)
	// apiVersionText and kindText match the keys of a header at the start of a line or an object.
	apiVersionText = regexp.MustCompile(`(?:^|[\r\n{,])[\s{]*["']?apiVersion["']?\s*:`)
	kindText       = regexp.MustCompile(`(?:^|[\r\n{,])[\s{]*["']?kind["']?\s*:\s*["']?(\w*)`)
)

// unreadable reports a problem of a text that cannot be parsed. It is an error if the text names Keptn, or if it may be the rest
// of a document before it that ktask reads: a line --- in a script ends the document.
func (l *loader) unreadable(text []byte, p Problem) {
	const searched = 1 << 20 // the header of a document is at its start
	text = text[:min(len(text), searched)]
	if bytes.IndexByte(text, 0) >= 0 {
		text = bytes.ReplaceAll(text, []byte{0}, nil) // in UTF-16 every letter has a zero
	}
	kind := kindText.FindSubmatch(text)
	header := kind != nil && apiVersionText.Match(text)
	read := header && (string(kind[1]) == "ConfigMap" || string(kind[1]) == "Secret")
	rest := l.passed.afterOwn && !header
	test := l.options.Tests && kind != nil && string(kind[1]) == "TaskTest"
	if keptnText.Match(text) || rest || test || l.file.Named && read {
		if rest && p.Remedy == "" {
			p.Remedy = partOfScript
		}
		l.problem(p)
		return
	}
	l.manifests.Foreign++
	p.Message = "this document is passed over: " + p.Message
	l.passOver(p)
}

// judge reports a problem that was found in a document while it was parsed.
func (l *loader) judge(root *yamltree.Node, f finding) {
	p := f.problem
	root = at(root, p.Pos)
	p.Pos.Object = title(root, "")
	t := typeOf(text(root.Field("apiVersion")), text(root.Field("kind")))
	switch {
	case t.group == "" && t.version == "v1" && (t.kind == "ConfigMap" || t.kind == "Secret") && !t.list && p.Rule != "duplicate-key":
		p.Sensitive = p.Sensitive || l.options.Sensitive || t.kind == "Secret"
		l.fault(root, t.kind, p)
	case isStrict(root, t, p.Rule) || t.kind == "" && l.passed.afterOwn:
		l.problem(p)
	case strings.HasPrefix(f.key, "keptn.sh/"):
		p.Severity, p.Remedy = Warning, lastCounts
		l.problem(p)
	default:
		l.passOver(p)
	}
}

// isStrict reports whether a problem of an object is an error.
func isStrict(root *yamltree.Node, t objectType, rule string) bool {
	_, known := api.Kinds(t.group)[t.kind]
	switch {
	case isWorkload(t.group, t.kind):
		return false
	case known:
		return runs(t.kind)
	case t.group == "" && t.read(): // a ConfigMap or a Secret
		return rule != "duplicate-key"
	}
	return meantForKeptn(root)
}

// at returns the object that has a problem: root, or an item of it if it is a list.
func at(root *yamltree.Node, p Pos) *yamltree.Node {
	items := root.Field("items")
	if text(root.Field("kind")) != "List" || items == nil || items.Kind != yamltree.List {
		return root
	}
	for _, item := range items.Values {
		if !(&yamltree.Node{Line: int32(p.Line), Column: int32(p.Column)}).Before(item) {
			root = item
		}
	}
	return root
}
