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
	l.sensitive = l.options.Sensitive || kind == "Secret" || holdsSecret(root)
	o := &object{reporter: l.reporter, decoder: l.decoder, node: root}
	if root.Kind == yamltree.Null {
		return // an empty document
	}
	if root.Kind != yamltree.Object {
		if l.file.Named {
			l.fail(o.top().At(), "not-an-object", "", "a manifest is an object with apiVersion and kind, not %s", root.Kind)
		}
		l.manifests.Foreign++
		return
	}
	before, broken := l.limit.errors, false
	apiVersion, hasVersion := readHeader(o, "apiVersion", apiVersion)
	kind, hasKind := readHeader(o, "kind", kind)
	switch {
	case !hasVersion || !hasKind:
		l.manifests.Foreign++
	case kind == "List" && apiVersion == "v1":
		l.items(o, "", "")
		return
	default:
		l.object(o, typeOf(apiVersion, kind))
		broken = l.flawed || l.full(Error)
	}
	if broken || l.limit.errors > before {
		l.manifests.Broken.add(root, kind, l.options.Namespace)
	}
}

// headerKey matches apiVersion or kind as a key at the start of a line, an object or a list.
var headerKey = regexp.MustCompile(`(?i)(?:^|[\r\n{,])[\s{\[?\x{FFFD}-]*["']?(?:apiVersion|kind)["']?\s*:`)

// hasHeader reports whether a file may contain a manifest, even a broken one. Zeros are ignored because of UTF-16, in which every
// letter of a key has one.
func hasHeader(data []byte) bool {
	return headerKey.Match(bytes.ReplaceAll(data, []byte{0}, nil))
}

// readHeader returns apiVersion or kind. An object without one, in a file that was found in a directory, is not reported: it is
// something else, like the values of a chart, unless its header names Keptn.
func readHeader(o *object, name, inherited string) (string, bool) {
	value := o.node.Field(name)
	switch {
	case value != nil && value.Kind == yamltree.String && value.Text != "":
		return value.Text, true
	case value == nil && inherited != "":
		return inherited, true
	case !o.file.Named && (o.node.Field("apiVersion") == nil || o.node.Field("kind") == nil) && !meantForKeptn(o.node):
	case value != nil && value.Kind != yamltree.String && value.Kind != yamltree.Null:
		o.fail(o.top().At(name), "wrong-type", "", "%s must be a string, not %s", name, value.Kind)
	case value != nil:
		o.fail(o.top().At(name), "not-an-object", "every Kubernetes object has both", "%s is empty", name)
	default:
		reportHeader(o, name)
	}
	return "", false
}

// reportHeader reports a missing key of the header, at a misspelt key if there is one.
func reportHeader(o *object, name string) {
	others := []string{"apiVersion", "kind", "metadata", "spec", "data", "items"}
	for _, key := range o.node.Keys() {
		if Nearest(key.Text, others) == name && !slices.Contains(others, key.Text) {
			o.fail(o.top().keyAt(key.Text), "not-an-object", DidYouMean(key.Text, others), "the object has no %s, but a key %q", name, key.Text)
			return
		}
	}
	o.fail(o.top().At(), "not-an-object", "every Kubernetes object has both", "the object has no %s", name)
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

// items reads the items of a list. Those of a typed list may omit apiVersion and kind.
func (l *loader) items(list *object, apiVersion, kind string) {
	list.checker().check(list.node, reflect.TypeFor[api.List](), nil)
	items := list.node.Field("items")
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
