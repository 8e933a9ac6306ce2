package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// document reads one object. An item of a typed list may omit apiVersion and kind, which are then those of the list.
func (l *loader) document(root *yamltree.Node, apiVersion, kind string) {
	l.sensitive = l.options.Sensitive || kind == "Secret" || holdsSecret(root) || holdsTestSecrets(root)
	defer func(outer string) { l.reporter.object = outer }(l.reporter.object)
	l.reporter.object = title(root, kind)
	o := &object{reporter: l.reporter, decoder: l.decoder, node: root}
	if root.Kind == yamltree.Null {
		return // an empty document
	}
	if root.Kind != yamltree.Object {
		l.stray(o, "apiVersion")
		l.manifests.Foreign++
		return
	}
	before, broken := l.limit.errors, false
	apiVersion, hasVersion := l.readHeader(o, "apiVersion", apiVersion)
	kind, hasKind := l.readHeader(o, "kind", kind)
	switch {
	case !hasVersion || !hasKind:
		l.manifests.Foreign++
	case kind == "List" && apiVersion == "v1":
		l.items(o, "", "")
		return
	default:
		t := typeOf(apiVersion, kind)
		l.passed.headers, l.passed.afterOwn = true, t.read() && !isWorkload(t.group, t.kind)
		l.object(o, t)
		broken = l.flawed || l.full(Error)
	}
	if broken || l.limit.errors > before {
		l.manifests.Broken.add(root, kind, l.options.Namespace)
	}
}

// title returns the kind and the name of an object, or "" for a list. An item of a typed list may omit the kind.
func title(root *yamltree.Node, kind string) string {
	const longest = 300 // longer ones are not names
	if own := root.Field("kind"); own != nil && own.Kind == yamltree.String {
		kind = own.Text
	}
	if kind == "" || strings.HasSuffix(kind, "List") || len(kind) > longest {
		return ""
	}
	if name := root.Field("metadata").Field("name"); name != nil && name.Kind == yamltree.String && len(name.Text) <= longest {
		return fmt.Sprintf("%s %q", kind, name.Text)
	}
	return kind
}

// readHeader returns apiVersion or kind, or reports that it is missing.
func (l *loader) readHeader(o *object, name, inherited string) (string, bool) {
	value := o.node.Field(name)
	switch {
	case value != nil && value.Kind == yamltree.String && value.Text != "":
		return value.Text, true
	case value == nil && inherited != "":
		return inherited, true
	case meantForKeptn(o.node):
		l.problem(headerProblem(o, name))
	default:
		l.stray(o, name)
	}
	return "", false
}

// stray reports a document without a header that does not name Keptn. After a document that ktask reads it is an error, because
// a line --- in a script ends the document. Otherwise, in a file that was found in a directory, a document without apiVersion or
// kind is not reported: it is something else, like the values of a chart.
func (l *loader) stray(o *object, name string) {
	switch {
	case !l.passed.afterOwn && !l.file.Named && (o.node.Field("apiVersion") == nil || o.node.Field("kind") == nil):
	case name == "kind" && lacksHeader(o.node): // reported for apiVersion
	case l.passed.afterOwn:
		p := headerProblem(o, name)
		p.Remedy = partOfScript
		l.problem(p)
	case l.passed.count >= maxProblems:
		l.passed.count++
	default:
		p := headerProblem(o, name)
		if l.file.InChart {
			p.Remedy = "run what the chart renders: " + renderFirst
		}
		l.passOver(p)
	}
}

// lacksHeader reports whether an object has neither apiVersion nor kind, nor a key that may be meant as one of them.
func lacksHeader(root *yamltree.Node) bool {
	return root.Field("apiVersion") == nil && root.Field("kind") == nil && misspelt(root, "apiVersion") == "" && misspelt(root, "kind") == ""
}

// misspelt returns the key of an object that is probably meant as the given key of a header, or "".
func misspelt(root *yamltree.Node, name string) string {
	others := []string{"apiVersion", "kind", "metadata", "spec", "data", "items"}
	for _, key := range root.Keys() {
		if Nearest(key.Text, others) == name && !slices.Contains(others, key.Text) {
			return key.Text
		}
	}
	return ""
}

// headerProblem returns the problem of a document without apiVersion or kind, at a misspelt key if there is one.
func headerProblem(o *object, name string) Problem {
	if o.node.Kind != yamltree.Object {
		return Problem{Pos: o.top().At(), Severity: Error, Rule: "not-an-object",
			Message: fmt.Sprintf("a manifest is an object with apiVersion and kind, not %s", o.node.Kind)}
	}
	p := Problem{Pos: o.top().At(name), Severity: Error, Rule: "not-an-object", Remedy: "every Kubernetes object has both"}
	switch value := o.node.Field(name); {
	case value != nil && value.Kind != yamltree.Null && value.Kind != yamltree.String:
		p.Rule, p.Message, p.Remedy = "wrong-type", fmt.Sprintf("%s must be a string, not %s", name, value.Kind), ""
		return p
	case value != nil:
		p.Message = name + " is empty"
		return p
	}
	p.Pos, p.Message = o.top().At(), "the object has no "+name
	if key := misspelt(o.node, name); key != "" {
		p.Pos, p.Remedy = o.top().keyAt(key), fmt.Sprintf("did you mean %q?", name)
		p.Message += fmt.Sprintf(", but a key %q", key)
	} else if !meantForKeptn(o.node) && lacksHeader(o.node) {
		p.Message = "this is not a Kubernetes object: it has neither apiVersion nor kind"
		p.Remedy = ""
	}
	return p
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
