package spec

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/ktask/ktask/spec/internal/api"
	"github.com/ktask/ktask/spec/yamltree"
)

// strictChecker checks a tree against a Go type, field by field, and reports every mismatch at its place. The strict decoders of
// sigs.k8s.io stop at the first error of an object and have no places. Values that pass are decoded with the type's JSON methods.
type strictChecker struct {
	*reporter
	fields  api.Fields
	version string
	// top is the type of the whole document and root its tree, to find where a field belongs. They may be nil.
	top  reflect.Type
	root *yamltree.Node
}

// bad reports an error of n.
func (s strictChecker) bad(n *yamltree.Node, at *yamltree.Path, rule, remedy, format string, args ...any) {
	n.Bad = true
	s.fail(s.posOf(n, at), rule, remedy, format, args...)
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// check checks n against t. A null is a missing value, as in Kubernetes.
func (s strictChecker) check(n *yamltree.Node, t reflect.Type, at *yamltree.Path) {
	if s.full(Error) {
		n.Bad = true
	}
	if n.Bad || n.Kind == yamltree.Null {
		return
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		s.checkCustom(n, t, at)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		s.checkStruct(n, t, at)
	case reflect.Map:
		s.checkMap(n, t, at)
	case reflect.Slice:
		s.checkList(n, t, at)
	case reflect.String:
		if n.Kind != yamltree.String {
			s.wrongType(n, at, "a string")
		}
	case reflect.Bool:
		if n.Kind != yamltree.Bool {
			s.wrongType(n, at, "a boolean")
		}
	case reflect.Int32, reflect.Int64:
		s.checkInteger(n, t, at)
	case reflect.Interface:
		// Any value is valid.
	default:
		panic("spec: no manifest type has a " + t.Kind().String())
	}
}

func (s strictChecker) checkInteger(n *yamltree.Node, t reflect.Type, at *yamltree.Path) {
	if n.Kind != yamltree.Number {
		s.wrongType(n, at, "an integer")
		return
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	if err != nil || f != math.Trunc(f) {
		s.bad(n, at, "wrong-type", "", "%s must be a whole number, not %s", at, s.shown(n))
		return
	}
	if t.Kind() == reflect.Int32 && (f > math.MaxInt32 || f < math.MinInt32) || f >= math.MaxInt64 || f <= math.MinInt64 {
		s.bad(n, at, "out-of-range", "", "%s is %s, which does not fit into %s", at, n.Source, t.Kind())
		return
	}
	if _, err := strconv.ParseInt(n.Text, 10, 64); err != nil {
		n.Text = strconv.FormatInt(int64(f), 10) // 3.0, 1e3
	}
}

// checkCustom decodes n with the JSON method of the type: a quantity, an int-or-string or a time.
func (s strictChecker) checkCustom(n *yamltree.Node, t reflect.Type, at *yamltree.Path) {
	name := strings.ToLower(t.Name())
	if n.IsInfinite() {
		s.bad(n, at, "wrong-type", "", "%s: %s is not a valid %s", at, s.shown(n), name)
		return
	}
	if name == "quantity" && n.Kind == yamltree.Number && strings.ContainsAny(n.Text, ".eE") {
		// The type accepts it, but the custom resource definition requires an int-or-string.
		s.bad(n, at, "wrong-type", "write "+s.quoted(n), "%s must be a string or a whole number, not the number %s", at, n.Source)
		return
	}
	var text bytes.Buffer
	n.AppendJSON(&text)
	if err := json.Unmarshal(text.Bytes(), reflect.New(t).Interface()); err != nil {
		if name == "quantity" {
			s.bad(n, at, "invalid-quantity", "for example 200Mi, 1Gi, 500m or 2", "%s: %s is not a Kubernetes quantity", at, s.shown(n))
			return
		}
		s.bad(n, at, "wrong-type", "", "%s: %s is not a valid %s", at, s.shown(n), name)
	}
}

func (s strictChecker) checkList(n *yamltree.Node, t reflect.Type, at *yamltree.Path) {
	if t.Elem().Kind() == reflect.Uint8 {
		s.checkBase64(n, at)
		return
	}
	if n.Kind != yamltree.List {
		s.wrongType(n, at, "a list")
		return
	}
	for i, item := range n.Values {
		if s.full(Error) {
			n.Bad = true
			return
		}
		if item.Kind == yamltree.Null {
			s.bad(item, at.Item(i), "wrong-type", "", "%s is null", at.Item(i))
			continue
		}
		s.check(item, t.Elem(), at.Item(i))
	}
}

// checkBase64 decodes bytes as the API server does: standard alphabet, padded, line breaks ignored.
func (s strictChecker) checkBase64(n *yamltree.Node, at *yamltree.Path) {
	if n.Kind != yamltree.String {
		s.wrongType(n, at, "a string")
		return
	}
	if _, err := base64.StdEncoding.DecodeString(n.Text); err != nil {
		// The value may be a secret in clear text, so it is not shown.
		remedy := "encode it (printf %s \"$VALUE\" | base64), or give clear text under data"
		if s.sensitive {
			remedy = "encode it (printf %s \"$VALUE\" | base64), or give clear text under stringData"
		}
		s.bad(n, at, "invalid-base64", remedy, "%s is not base64", at)
	}
}

func (s strictChecker) checkMap(n *yamltree.Node, t reflect.Type, at *yamltree.Path) {
	if n.Kind != yamltree.Object {
		s.wrongType(n, at, "an object")
		return
	}
	for i, value := range n.Values {
		key := n.Keys()[i]
		if key.Kind == yamltree.Bool && key.Source != key.Text {
			s.warn(s.posOf(key, at.Field(key.Text)), "yaml-1.1-key", "write "+strconv.Quote(key.Source),
				"the unquoted key %s is %q in YAML 1.1, which Kubernetes reads", key.Source, key.Text)
		}
		s.check(value, t.Elem(), at.Field(key.Text))
	}
}

func (s strictChecker) checkStruct(n *yamltree.Node, t reflect.Type, at *yamltree.Path) {
	if n.Kind != yamltree.Object {
		s.wrongType(n, at, "an object")
		return
	}
	fields := s.fields.Of(t)
	for i, key := range n.Keys() {
		f := slices.IndexFunc(fields, func(f api.Field) bool { return f.Name == key.Text })
		switch {
		case f < 0:
			s.unknown(key, fields, at)
			// Replace the value only here, because another alias of it may be valid.
			n.Values[i] = &yamltree.Node{Kind: yamltree.Null, Line: n.Values[i].Line, Column: n.Values[i].Column, Bad: true}
		case !fields[f].In(s.version):
			s.otherVersion(key, n.Values[i], fields[f], at)
			s.check(n.Values[i], fields[f].Type, at.Field(key.Text))
		default:
			s.check(n.Values[i], fields[f].Type, at.Field(key.Text))
		}
	}
}

func (s strictChecker) unknown(key *yamltree.Node, fields []api.Field, at *yamltree.Path) {
	if s.full(s.relaxed()) {
		return
	}
	var names []string
	for _, f := range fields {
		if f.In(s.version) {
			names = append(names, f.Name)
		}
	}
	remedy := s.belongs(key.Text, at)
	if remedy == "" {
		remedy = DidYouMean(key.Text, names)
	}
	if remedy == "" && len(names) > 0 && len(names) <= 12 {
		remedy = "known here: " + strings.Join(names, ", ")
	}
	if key.Text == "namespace" && at != nil && at.Name == "functionRef" {
		remedy = "leave it out: Keptn looks in the namespace of the task, then in its own, keptn-system or that of --keptn-namespace"
	}
	s.relax(s.posOf(key, at.Field(key.Text)), "unknown-field", remedy, "unknown field %q", at.Field(key.Text).String())
}

// otherVersion reports a field that only other versions have.
func (s strictChecker) otherVersion(key, value *yamltree.Node, f api.Field, at *yamltree.Path) {
	pos := s.posOf(key, at.Field(key.Text))
	newest := f.Versions[len(f.Versions)-1]
	message := fmt.Sprintf("lifecycle.keptn.sh/%s has no field %q; it is in %s", s.version, pos.Field, strings.Join(f.Versions, ", "))
	remedy := "use apiVersion lifecycle.keptn.sh/" + newest
	switch {
	case oldTaskFields()[key.Text] != "" && at != nil && at.Name == "spec":
		remedy = "move it to " + oldTaskFields()[key.Text]
	case key.Text == "function":
		message = fmt.Sprintf("%s was removed from lifecycle.keptn.sh/%s", pos.Field, s.version)
		remedy = `write "deno", which is the same runner`
	case strings.Contains(key.Text, "Deployment"): // the lists of a KeptnApp
		remedy = "move it to a KeptnAppContext of the same name"
	case slices.Index(api.Versions(), s.version) > slices.Index(api.Versions(), newest):
		remedy = "leave it out"
	}
	s.relax(pos, "field-version", remedy, "%s", message)
	value.Bad = value.Bad || !s.options.Lenient
}
