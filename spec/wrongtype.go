package spec

import (
	"encoding/json"
	"strconv"
	"strings"
)

// wrongType reports a value that is not what is wanted, and shows how it is written.
func (s *shape) wrongType(n *node, at *path, want string) {
	word := want == "a string" && n.kind == boolKind && !strings.EqualFold(n.source, "true") && !strings.EqualFold(n.source, "false")
	switch {
	case word && !s.sensitive:
		s.bad(n, at, "wrong-type", "write "+s.quoted(n),
			"%s must be a string, but YAML 1.1, which Kubernetes reads, takes an unquoted %s for the boolean %s", at, n.source, n.text)
	case want == "an object" && n.kind == listKind && at != nil && strings.HasSuffix(at.name, "Ref"):
		s.bad(n, at, "wrong-type", "pick one", "%s must be an object, not a list: Keptn takes one and ignores the rest", at)
	default:
		s.bad(n, at, "wrong-type", s.rightForm(n, at, want), "%s must be %s, not %s", at, want, n.kind)
	}
}

// rightForm is the remedy for a value of a wrong type, or "".
func (s *shape) rightForm(n *node, at *path, want string) string {
	scalar := n.kind == stringKind || n.kind == boolKind || n.kind == numberKind
	switch {
	case want == "a string" && n.kind == numberKind && at != nil && at.name == "timeout":
		if d, err := strconv.ParseFloat(n.text, 64); err != nil || d <= 0 {
			return timeoutExample
		}
		return "a duration has a unit: " + n.source + "s"
	case want == "a string" && !scalar && (at.within("parameters", "map") || at.parent == nil):
		return "parameters have one level; a string may hold JSON"
	case want == "a string" && scalar:
		return "write " + s.quoted(n)
	case want == "a boolean" && n.kind == stringKind && (n.text == "true" || n.text == "false"):
		return "write " + n.text + " without quotes"
	case want == "an integer" && n.kind == stringKind:
		if _, err := strconv.Atoi(n.text); err == nil {
			return "write " + n.text + " without quotes"
		}
	case want == "an object" && scalar:
		return s.wrapped(n, at)
	case want == "a list" && n.kind == stringKind && at != nil && (at.name == "command" || at.name == "args"):
		return "write " + at.name + ": " + listOf(n.text)
	}
	return ""
}

// onlyFields are the fields of the objects that have but one, which people leave out.
func onlyFields() map[string]string {
	return map[string]string{
		"inline": "code", "httpRef": "url", "functionRef": "name", "configMapRef": "name", "secureParameters": "secret",
		"serviceAccount": "name", "automountServiceAccountToken": "type", "imagePullSecrets": "name",
	}
}

// wrapped shows a scalar within the object where it belongs.
func (s *shape) wrapped(n *node, at *path) string {
	field, before := at, ""
	if at != nil && at.isItem {
		field = at.parent
	} else if at != nil {
		before = at.name + ": "
	}
	if field == nil || onlyFields()[field.name] == "" {
		return ""
	}
	value, only := "…", onlyFields()[field.name]
	switch {
	case s.sensitive || len(n.text) > 60:
	case only == "type":
		value = n.text
	case n.kind == stringKind:
		value = strconv.Quote(n.text)
	default:
		value = strconv.Quote(n.source)
	}
	return "write " + before + "{" + only + ": " + value + "}"
}

// listOf shows the words of a command as a list, where no shell is needed to tell what they are.
func listOf(command string) string {
	words := strings.Fields(command)
	if len(words) == 0 || len(command) > 60 || strings.ContainsAny(command, "\"'`\\$|&;<>()*?{}#~") {
		return `["…", "…"], an item for each word`
	}
	list, _ := json.Marshal(words) // strings always have JSON
	return strings.ReplaceAll(string(list), `","`, `", "`)
}

// quoted shows how a scalar is written as a string.
func (s *shape) quoted(n *node) string {
	if s.sensitive {
		return "it in quotes"
	}
	return strconv.Quote(n.source)
}

// shown is the value for a message.
func (s *shape) shown(n *node) string {
	switch {
	case s.sensitive:
		return "this value"
	case n.kind == stringKind:
		return strconv.Quote(n.text)
	case n.kind == listKind || n.kind == objectKind:
		return n.kind.String()
	}
	return n.source
}
