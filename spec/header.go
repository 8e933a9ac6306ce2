package spec

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// document reads one object. An item of a typed list may omit apiVersion and kind, which are then those of the list.
func (l *loader) document(root *yamltree.Node, apiVersion, kind string) {
	l.root, l.sensitive = root, l.options.Sensitive || kind == "Secret" || holdsSecret(root)
	if root.Kind == yamltree.Null {
		return // an empty document
	}
	if root.Kind != yamltree.Object {
		if l.file.Named {
			l.fail(l.at(), "not-an-object", "", "a manifest is an object with apiVersion and kind, not %s", root.Kind)
		}
		l.manifests.Foreign++
		return
	}
	before := l.limit.errors
	apiVersion, ok1 := l.header("apiVersion", apiVersion)
	kind, ok2 := l.header("kind", kind)
	if !ok1 || !ok2 {
		if l.limit.errors > before {
			l.broken(root, kind)
		}
		l.manifests.Foreign++
		return
	}
	if kind == "List" && apiVersion == "v1" {
		l.items("", "")
		return
	}
	if l.object(typeOf(apiVersion, kind)); l.flawed || l.limit.errors > before || l.full(Error) {
		l.broken(root, kind)
	}
}

// headerKey matches apiVersion or kind as a key at the start of a line, an object or a list.
var headerKey = regexp.MustCompile(`(?i)(?:^|[\r\n{,])[\s{\[?\x{FFFD}-]*["']?(?:apiVersion|kind)["']?\s*:`)

// hasHeader reports whether a file may contain a manifest, even a broken one. Zeros are ignored because of UTF-16, in which every
// letter of a key has one.
func hasHeader(data []byte) bool {
	return headerKey.Match(bytes.ReplaceAll(data, []byte{0}, nil))
}

// notManifest reports a problem of the parser with a file that is not a manifest, like the settings of another tool. It is only
// a warning.
func (l *loader) notManifest(p Problem) {
	p.Severity = Warning
	l.problem(p)
}

// header returns apiVersion or kind. An object without one, in a file that was found in a directory, is not reported: it is
// something else, like the values of a chart, unless its header names Keptn.
func (l *loader) header(name, inherited string) (string, bool) {
	value := l.root.Field(name)
	switch {
	case value != nil && value.Kind == yamltree.String && value.Text != "":
		return value.Text, true
	case value == nil && inherited != "":
		return inherited, true
	case !l.file.Named && (l.root.Field("apiVersion") == nil || l.root.Field("kind") == nil) && !meantForKeptn(l.root):
	case value != nil && value.Kind != yamltree.String && value.Kind != yamltree.Null:
		l.fail(l.at(name), "wrong-type", "", "%s must be a string, not %s", name, value.Kind)
	case value != nil:
		l.fail(l.at(name), "not-an-object", "every Kubernetes object has both", "%s is empty", name)
	default:
		l.headerMissing(name)
	}
	return "", false
}

// headerMissing reports a missing key of the header, at a misspelt key if there is one.
func (l *loader) headerMissing(name string) {
	others := []string{"apiVersion", "kind", "metadata", "spec", "data", "items"}
	for _, key := range l.root.Keys() {
		if Nearest(key.Text, others) == name && !slices.Contains(others, key.Text) {
			l.fail(l.cursor().keyAt(key.Text), "not-an-object", DidYouMean(key.Text, others), "an object without %s, but with %q", name, key.Text)
			return
		}
	}
	l.fail(l.at(), "not-an-object", "every Kubernetes object has both", "an object without %s", name)
}

// meantForKeptn reports whether the header names Keptn. The case of its keys does not matter.
func meantForKeptn(root *yamltree.Node) bool {
	for i, key := range root.Keys() {
		switch value := root.Values[i]; {
		case value.Kind != yamltree.String:
		case strings.EqualFold(key.Text, "apiVersion") && namesKeptn(value.Text), strings.EqualFold(key.Text, "kind") && isKeptnKind(value.Text):
			return true
		}
	}
	return false
}

// holdsSecret reports whether an object is or contains a Secret, in whatever case the kind is written.
func holdsSecret(root *yamltree.Node) bool {
	if root.Kind != yamltree.Object {
		return false
	}
	for i, key := range root.Keys() {
		switch value := root.Values[i]; {
		case strings.EqualFold(key.Text, "kind") && (strings.EqualFold(value.Text, "Secret") || strings.EqualFold(value.Text, "SecretList")):
			return true
		case key.Text == "items" && value.Kind == yamltree.List && slices.ContainsFunc(value.Values, holdsSecret):
			return true
		}
	}
	return false
}

func (l *loader) items(apiVersion, kind string) {
	l.checker().check(l.root, reflect.TypeFor[api.List](), nil)
	items := l.root.Field("items")
	if items == nil || items.Kind != yamltree.List {
		return
	}
	for _, item := range items.Values {
		if l.full(Error) {
			return
		}
		if !item.Bad {
			l.document(item, apiVersion, kind)
		}
	}
}
