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
)

// shape holds a tree against a Go type, field by field, and reports everything that does not fit at its own
// place. It exists beside the strict decoders of sigs.k8s.io because these stop at the first error of an
// object and know no places; what it lets through is decoded by the type's own JSON methods.
type shape struct {
	file    string
	version string
	lenient bool
	// sensitive is true for a Secret: no message shows a value of it.
	sensitive bool
	add       func(Problem)
	// full tells whether a further problem of the severity would not be shown.
	full   func(Severity) bool
	fields map[reflect.Type][]fieldInfo
}

func (s *shape) pos(n *node, at *path) Pos {
	return Pos{File: s.file, Line: int(n.line), Column: int(n.column), Field: at.String()}
}

func (s *shape) bad(n *node, at *path, rule, remedy, format string, args ...any) {
	n.bad = true
	s.report(Error, n, at, rule, remedy, format, args...)
}

func (s *shape) report(severity Severity, n *node, at *path, rule, remedy, format string, args ...any) {
	if s.full(severity) {
		return
	}
	s.add(Problem{Pos: s.pos(n, at), Severity: severity, Rule: rule, Message: fmt.Sprintf(format, args...), Remedy: remedy})
}

// relaxed is bad, or a warning under --lenient; it tells which.
func (s *shape) relaxed(n *node, at *path, rule, remedy, format string, args ...any) (lenient bool) {
	s.report(s.relaxedSeverity(), n, at, rule, remedy, format, args...)
	return s.lenient
}

func (s *shape) relaxedSeverity() Severity {
	if s.lenient {
		return Warning
	}
	return Error
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// check holds n against t. A null is an absent value, as it is for Kubernetes.
func (s *shape) check(n *node, t reflect.Type, at *path) {
	if s.full(Error) {
		n.bad = true
	}
	if n.bad || n.kind == nullKind {
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
		if n.kind != stringKind {
			s.wrongType(n, at, "a string")
		}
	case reflect.Bool:
		if n.kind != boolKind {
			s.wrongType(n, at, "a boolean")
		}
	case reflect.Int32, reflect.Int64:
		s.checkInteger(n, t, at)
	case reflect.Interface:
		// Anything goes.
	default:
		panic("spec: no manifest type has a " + t.Kind().String())
	}
}

func (s *shape) checkInteger(n *node, t reflect.Type, at *path) {
	if n.kind != numberKind {
		s.wrongType(n, at, "an integer")
		return
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil || f != math.Trunc(f) {
		s.bad(n, at, "wrong-type", "", "%s must be a whole number, not %s", at, s.shown(n))
		return
	}
	if t.Kind() == reflect.Int32 && (f > math.MaxInt32 || f < math.MinInt32) || f >= math.MaxInt64 || f <= math.MinInt64 {
		s.bad(n, at, "out-of-range", "", "%s is %s, which does not fit into %s", at, n.source, t.Kind())
		return
	}
	if _, err := strconv.ParseInt(n.text, 10, 64); err != nil {
		n.text = strconv.FormatInt(int64(f), 10) // 3.0, 1e3
	}
}

// checkCustom asks the type itself: quantities, int-or-strings, times.
func (s *shape) checkCustom(n *node, t reflect.Type, at *path) {
	name := strings.ToLower(t.Name())
	if n.kind == numberKind && infinite(n.text) {
		s.bad(n, at, "wrong-type", "", "%s: %s is no %s", at, s.shown(n), name)
		return
	}
	if name == "quantity" && n.kind == numberKind && strings.ContainsAny(n.text, ".eE") {
		// The schema of a custom resource says int-or-string, which refuses what the type itself would take.
		s.bad(n, at, "wrong-type", "write "+s.quoted(n), "%s must be a string or a whole number, not the number %s", at, n.source)
		return
	}
	var text bytes.Buffer
	n.appendJSON(&text)
	if err := json.Unmarshal(text.Bytes(), reflect.New(t).Interface()); err != nil {
		if name == "quantity" {
			s.bad(n, at, "invalid-quantity", "for example 200Mi, 1Gi, 500m or 2", "%s: %s is not a Kubernetes quantity", at, s.shown(n))
			return
		}
		s.bad(n, at, "wrong-type", "", "%s: %s is no %s", at, s.shown(n), name)
	}
}

func (s *shape) checkList(n *node, t reflect.Type, at *path) {
	if t.Elem().Kind() == reflect.Uint8 {
		s.checkBase64(n, at)
		return
	}
	if n.kind != listKind {
		s.wrongType(n, at, "a list")
		return
	}
	for i, item := range n.values {
		if s.full(Error) {
			n.bad = true
			return
		}
		if item.kind == nullKind {
			s.bad(item, at.item(i), "wrong-type", "", "%s is null", at.item(i))
			continue
		}
		s.check(item, t.Elem(), at.item(i))
	}
}

// checkBase64 reads bytes as the API server does: standard alphabet, padded, line breaks within ignored.
func (s *shape) checkBase64(n *node, at *path) {
	if n.kind != stringKind {
		s.wrongType(n, at, "a string")
		return
	}
	if _, err := base64.StdEncoding.DecodeString(n.text); err != nil {
		// The value may be a secret in clear text: it is not shown.
		remedy := "encode it (printf %s \"$VALUE\" | base64), or give clear text under data"
		if s.sensitive {
			remedy = "encode it (printf %s \"$VALUE\" | base64), or give clear text under stringData"
		}
		s.bad(n, at, "invalid-base64", remedy, "%s is not base64", at)
	}
}

func (s *shape) checkMap(n *node, t reflect.Type, at *path) {
	if n.kind != objectKind {
		s.wrongType(n, at, "an object")
		return
	}
	for i, value := range n.values {
		key := n.keys[i]
		if key.kind == boolKind && key.source != key.text {
			s.add(Problem{Pos: s.pos(key, at.field(key.text)), Severity: Warning, Rule: "yaml-1.1-key", Remedy: "write " + strconv.Quote(key.source),
				Message: fmt.Sprintf("YAML 1.1, which Kubernetes reads, takes the unquoted key %s for %q", key.source, key.text)})
		}
		s.check(value, t.Elem(), at.field(key.text))
	}
}

func (s *shape) checkStruct(n *node, t reflect.Type, at *path) {
	if n.kind != objectKind {
		s.wrongType(n, at, "an object")
		return
	}
	fields := s.fieldsOf(t)
	for i, key := range n.keys {
		f := slices.IndexFunc(fields, func(f fieldInfo) bool { return f.name == key.text })
		switch {
		case f < 0:
			s.unknown(key, fields, at)
			// Only here: another alias of the value may stand where it belongs.
			n.values[i] = &node{kind: nullKind, line: n.values[i].line, column: n.values[i].column, bad: true}
		case !fields[f].in(s.version):
			s.otherVersion(key, n.values[i], fields[f], at)
			s.check(n.values[i], fields[f].kind, at.field(key.text))
		default:
			s.check(n.values[i], fields[f].kind, at.field(key.text))
		}
	}
}

func (s *shape) unknown(key *node, fields []fieldInfo, at *path) {
	if s.full(s.relaxedSeverity()) {
		return
	}
	var names []string
	for _, f := range fields {
		if f.in(s.version) {
			names = append(names, f.name)
		}
	}
	remedy := DidYouMean(key.text, names)
	if remedy == "" && len(names) > 0 && len(names) <= 12 {
		remedy = "known here: " + strings.Join(names, ", ")
	}
	if key.text == "namespace" && at != nil && at.name == "functionRef" {
		remedy = "leave it out: Keptn looks in the namespace of the task, then in its own, keptn-system or that of --keptn-namespace"
	}
	s.relaxed(key, at.field(key.text), "unknown-field", remedy, "unknown field %q", at.field(key.text).String())
}

// otherVersion reports a field that exists, but not in this version.
func (s *shape) otherVersion(key, value *node, f fieldInfo, at *path) {
	name := at.field(key.text).String()
	if key.text == "function" {
		if !s.relaxed(key, at.field(key.text), "field-version", `write "deno", which is the same runner`,
			"%s is gone from lifecycle.keptn.sh/%s", name, s.version) {
			value.bad = true
		}
		return
	}
	remedy := "use apiVersion lifecycle.keptn.sh/" + f.versions[len(f.versions)-1]
	if slices.Index(keptnVersions, s.version) > slices.Index(keptnVersions, f.versions[len(f.versions)-1]) {
		remedy = "leave it out"
	}
	if strings.Contains(key.text, "Deployment") { // the lists of a KeptnApp
		remedy = "move it to a KeptnAppContext of the same name"
	}
	if !s.relaxed(key, at.field(key.text), "field-version", remedy,
		"lifecycle.keptn.sh/%s has no field %q; it is in %s", s.version, name, strings.Join(f.versions, ", ")) {
		value.bad = true
	}
}
