package spec

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/ktask/ktask/spec/yamltree"
)

// wrongType reports a value of a wrong type and shows how to write it.
func (s strictChecker) wrongType(n *yamltree.Node, at *yamltree.Path, want string) {
	word := want == "a string" && n.Kind == yamltree.Bool && !strings.EqualFold(n.Source, "true") && !strings.EqualFold(n.Source, "false")
	switch {
	case word && !s.sensitive:
		s.bad(n, at, "wrong-type", "write "+s.quoted(n),
			"%s must be a string, but an unquoted %s is the boolean %s in YAML 1.1, which Kubernetes reads", at, n.Source, n.Text)
	case want == "an object" && n.Kind == yamltree.List && at != nil && strings.HasSuffix(at.Name, "Ref"):
		s.bad(n, at, "wrong-type", "pick one", "%s must be an object, not a list: Keptn uses one and ignores the rest", at)
	default:
		s.bad(n, at, "wrong-type", s.rightForm(n, at, want), "%s must be %s, not %s", at, want, n.Kind)
	}
}

// rightForm returns the remedy for a value of a wrong type, or "".
func (s strictChecker) rightForm(n *yamltree.Node, at *yamltree.Path, want string) string {
	quoted := n.Kind == yamltree.String
	_, noInteger := strconv.Atoi(n.Text)
	switch {
	case want == "a string":
		return s.stringForm(n, at)
	case want == "a boolean" && quoted && (n.Text == "true" || n.Text == "false"), want == "an integer" && quoted && noInteger == nil:
		return "write " + n.Text + " without quotes"
	case want == "an object" && n.Kind != yamltree.List:
		return s.wrapped(n, at)
	case want == "a list" && quoted && at != nil && (at.Name == "command" || at.Name == "args"):
		return "write " + at.Name + ": " + listOf(n.Text)
	}
	return ""
}

// stringForm returns the remedy for a value that should be a string, or "".
func (s strictChecker) stringForm(n *yamltree.Node, at *yamltree.Path) string {
	switch {
	case n.Kind == yamltree.Number && at != nil && strings.HasSuffix(strings.ToLower(at.Name), "timeout"):
		if d, err := strconv.ParseFloat(n.Text, 64); err != nil || d <= 0 {
			return timeoutExample
		}
		return "a duration has a unit: " + n.Source + "s"
	case n.Kind != yamltree.List && n.Kind != yamltree.Object:
		return "write " + s.quoted(n)
	case at.Within("parameters", "map") || at.Parent == nil:
		return "parameters have one level; a string may hold JSON"
	}
	return ""
}

// onlyFields returns the single fields of objects that have only one. Users often omit them.
func onlyFields() map[string]string {
	return map[string]string{
		"inline": "code", "httpRef": "url", "functionRef": "name", "configMapRef": "name", "secureParameters": "secret",
		"serviceAccount": "name", "automountServiceAccountToken": "type", "imagePullSecrets": "name",
	}
}

// wrapped returns the remedy to write a scalar as the single field of an object, or "". The object is a field, or an item of a list.
func (s strictChecker) wrapped(n *yamltree.Node, at *yamltree.Path) string {
	field, key := at, ""
	if at != nil && at.IsItem {
		field = at.Parent
	} else if at != nil {
		key = at.Name + ": "
	}
	if field == nil || onlyFields()[field.Name] == "" {
		return ""
	}
	only, value := onlyFields()[field.Name], strconv.Quote(n.Source)
	switch {
	case s.sensitive || len(n.Text) > 60:
		value = "…"
	case only == "type": // a boolean
		value = n.Text
	case n.Kind == yamltree.String:
		value = strconv.Quote(n.Text)
	}
	return "write " + key + "{" + only + ": " + value + "}"
}

// listOf returns the words of a command as a list, or a list without words if only a shell can split the command.
func listOf(command string) string {
	words := strings.Fields(command)
	if len(words) == 0 || len(command) > 60 || strings.ContainsAny(command, "\"'`\\$|&;<>()*?{}#~") {
		return `["…", "…"], an item for each word`
	}
	list, _ := json.Marshal(words) // never fails for strings
	return strings.ReplaceAll(string(list), `","`, `", "`)
}

// quoted returns a scalar as it is written as a string.
func (s strictChecker) quoted(n *yamltree.Node) string {
	if s.sensitive {
		return "it in quotes"
	}
	return strconv.Quote(n.Source)
}

// shown returns a value for a message.
func (s strictChecker) shown(n *yamltree.Node) string {
	switch {
	case s.sensitive:
		return "this value"
	case n.Kind == yamltree.String:
		return strconv.Quote(n.Text)
	case n.Kind == yamltree.List || n.Kind == yamltree.Object:
		return n.Kind.String()
	}
	return n.Source
}
