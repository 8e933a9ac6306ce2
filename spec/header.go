package spec

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// document takes one object; version and kind are those that a typed list gives to items without their own.
func (l *loader) document(root *node, apiVersion, kind string) {
	l.root, l.sensitive = root, l.options.Sensitive || kind == "Secret" || holdsSecret(root)
	if root.kind == nullKind {
		return // an empty document
	}
	if root.kind != objectKind {
		if l.file.Named {
			l.fail(l.at(), "not-an-object", "", "a manifest is an object with apiVersion and kind, not %s", root.kind)
		}
		l.manifests.Foreign++
		return
	}
	before := l.tally.errors
	apiVersion, ok1 := l.header("apiVersion", apiVersion)
	kind, ok2 := l.header("kind", kind)
	if !ok1 || !ok2 {
		if l.tally.errors > before {
			l.broken(root, kind)
		}
		l.manifests.Foreign++
		return
	}
	if kind == "List" && apiVersion == "v1" {
		l.items("", "")
		return
	}
	group, version, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group, version = "", apiVersion
	}
	if l.object(group, version, kind); l.flawed || l.tally.errors > before || l.full(Error) {
		l.broken(root, kind)
	}
}

// headerKey is a key of the header, at the start of a line or of an object or list that is written on one.
var headerKey = regexp.MustCompile(`(?i)(?:^|[\r\n{,])[\s{\[?\x{FFFD}-]*["']?(?:apiVersion|kind)["']?\s*:`)

// hasHeader tells whether a file may have a manifest in it, however broken that is. UTF-16 begins with a mark that is no
// UTF-8, and has a zero in every letter.
func hasHeader(data []byte) bool {
	return headerKey.Match(bytes.ReplaceAll(data, []byte{0}, nil))
}

// passedOver takes the problems that the parser has with a file which is no manifest, like the settings of another tool:
// what is wrong there is not ktask's business.
func (l *loader) passedOver(p Problem) {
	p.Severity = Warning
	l.problem(p)
}

// header reads apiVersion or kind. A file that is found in a directory and lacks one is something else, like the values
// of a chart, unless what it has names Keptn.
func (l *loader) header(name, inherited string) (string, bool) {
	value := l.root.field(name)
	switch {
	case value != nil && value.kind == stringKind && value.text != "":
		return value.text, true
	case value == nil && inherited != "":
		return inherited, true
	case !l.file.Named && (l.root.field("apiVersion") == nil || l.root.field("kind") == nil) && !meantForKeptn(l.root):
	case value != nil && value.kind != stringKind && value.kind != nullKind:
		l.fail(l.at(name), "wrong-type", "", "%s must be a string, not %s", name, value.kind)
	case value != nil:
		l.fail(l.at(name), "not-an-object", "every Kubernetes object has both", "%s is empty", name)
	default:
		l.headerMissing(name)
	}
	return "", false
}

// headerMissing points at the key that was meant, if there is one.
func (l *loader) headerMissing(name string) {
	others := []string{"apiVersion", "kind", "metadata", "spec", "data", "items"}
	for _, key := range l.root.keys {
		if Nearest(key.text, others) == name && !slices.Contains(others, key.text) {
			l.fail(l.section().keyAt(key.text), "not-an-object", DidYouMean(key.text, others), "an object without %s, but with %q", name, key.text)
			return
		}
	}
	l.fail(l.at(), "not-an-object", "every Kubernetes object has both", "an object without %s", name)
}

// meantForKeptn tells whether the header names Keptn, in whatever case its keys are written.
func meantForKeptn(root *node) bool {
	for i, key := range root.keys {
		switch value := root.values[i]; {
		case value.kind != stringKind:
		case strings.EqualFold(key.text, "apiVersion") && namesKeptn(value.text), strings.EqualFold(key.text, "kind") && isKeptnKind(value.text):
			return true
		}
	}
	return false
}

// holdsSecret tells whether the lines of an object may be those of a Secret, in whatever case that is written.
func holdsSecret(root *node) bool {
	if root.kind != objectKind {
		return false
	}
	for i, key := range root.keys {
		switch value := root.values[i]; {
		case strings.EqualFold(key.text, "kind") && (strings.EqualFold(value.text, "Secret") || strings.EqualFold(value.text, "SecretList")):
			return true
		case key.text == "items" && value.kind == listKind && slices.ContainsFunc(value.values, holdsSecret):
			return true
		}
	}
	return false
}

// rawList is a list of any kind: kubectl refuses other fields.
type rawList struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   metav1.ListMeta `json:"metadata"`
	Items      []any           `json:"items"`
}

func (l *loader) items(apiVersion, kind string) {
	l.shape().check(l.root, reflect.TypeFor[rawList](), nil)
	items := l.root.field("items")
	if items == nil || items.kind != listKind {
		return
	}
	for _, item := range items.values {
		if l.full(Error) {
			return
		}
		if !item.bad {
			l.document(item, apiVersion, kind)
		}
	}
}
