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

// document takes one object; version and kind are those that a typed list gives to items without their own.
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
	group, version, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group, version = "", apiVersion
	}
	if l.object(group, version, kind); l.flawed || l.limit.errors > before || l.full(Error) {
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

// notManifest takes the problems that the parser has with a file which is no manifest, like the settings of another tool:
// what is wrong there is not ktask's business.
func (l *loader) notManifest(p Problem) {
	p.Severity = Warning
	l.problem(p)
}

// header reads apiVersion or kind. A file that is found in a directory and lacks one is something else, like the values
// of a chart, unless what it has names Keptn.
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

// headerMissing points at the key that was meant, if there is one.
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

// meantForKeptn tells whether the header names Keptn, in whatever case its keys are written.
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

// holdsSecret tells whether the lines of an object may be those of a Secret, in whatever case that is written.
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
