package expect

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/spec"
)

// Update returns a test file in which a case expects what was seen, except for the time. Fields that do not differ stay, and so
// does all text outside of the case's field expect, with its comments. If the case has no such field, it gets one with all lines.
func Update(file []byte, c spec.TestCase, s Seen, hide func(string) string) ([]byte, error) {
	node, err := findCase(file, c.Pos)
	switch {
	case err != nil:
		return nil, err
	case s.Truncated:
		return nil, errors.New("the output is too long")
	}
	key, value := entry(node, "expect")
	switch {
	case node.Style&yaml.FlowStyle != 0:
		return nil, errors.New("the case is in flow style: write each field on a line of its own")
	case value != nil && value.Kind == yaml.AliasNode:
		return nil, errors.New("its expect is an alias")
	case value == nil || value.Kind != yaml.MappingNode:
		value = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	value.Style &^= yaml.FlowStyle
	rewrite(value, c.Expect, s, hide)
	updated, err := splice(file, node, key, value)
	if err != nil {
		return nil, err
	}
	if !fulfilled(updated, c.Name, s, hide) {
		return nil, errors.New("the way in which its expect is written cannot be kept")
	}
	return updated, nil
}

// fulfilled reports whether a file is valid and what was seen fulfils a case of this name, except for the time.
func fulfilled(file []byte, name string, s Seen, hide func(string) string) bool {
	m, _, err := spec.Load([]spec.File{{Data: file}}, spec.Options{Namespace: "default", Tests: true})
	if err != nil {
		return false
	}
	for _, test := range m.Tests {
		for _, c := range test.Cases {
			differs := func(d Difference) bool { return d.Field != under }
			if c.Name == name && !slices.ContainsFunc(Compare(c.Expect, s, hide), differs) {
				return true
			}
		}
	}
	return false
}

// splice returns the file with a value of the field expect of a case. key is that of the value which the case has, or nil.
func splice(file []byte, node, key, value *yaml.Node) ([]byte, error) {
	lines := strings.SplitAfter(string(file), "\n")
	if last := len(lines) - 1; lines[last] != "" {
		lines[last] += "\n"
	}
	field, from, to, column := &yaml.Node{Kind: yaml.ScalarNode, Value: "expect"}, 0, 0, node.Column
	before := strings.Repeat(" ", column-1)
	if key == nil {
		from = blockEnd(lines, node.Content[0].Line-1, column)
		to = from
	} else {
		field.LineComment, from, column = cmp.Or(key.LineComment, value.LineComment), key.Line-1, key.Column
		value.LineComment = ""
		to = blockEnd(lines, from, column+1)
		before = string([]rune(lines[from])[:column-1]) // maybe the dash of the case
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{field, value}}); err != nil {
		return nil, err
	}
	indented := strings.ReplaceAll(strings.TrimRight(text.String(), "\n"), "\n", "\n"+strings.Repeat(" ", column-1)) + "\n"
	return []byte(strings.Join(lines[:from], "") + before + indented + strings.Join(lines[to:], "")), nil
}

// findCase returns the case whose name is at a place.
func findCase(file []byte, at spec.Pos) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(file))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err == io.EOF {
			return nil, fmt.Errorf("%s: no case is here any more", at)
		} else if err != nil {
			return nil, err
		}
		if c := findAt(&document, at); c != nil {
			return c, nil
		}
	}
}

// findAt returns the object in n whose name is at a place, or nil.
func findAt(n *yaml.Node, at spec.Pos) *yaml.Node {
	if _, name := entry(n, "name"); name != nil && name.Line == at.Line && name.Column == at.Column {
		return n
	}
	for _, child := range n.Content {
		if found := findAt(child, at); found != nil {
			return found
		}
	}
	return nil
}

// entry returns the key and the value of a field, or nil.
func entry(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// blockEnd returns the index of the line after a block that begins on line from. The following lines of a block begin at a column
// or further right. Empty lines and comments at its end do not belong to it.
func blockEnd(lines []string, from, column int) int {
	end := from + 1
	for i := end; i < len(lines); i++ {
		text := strings.TrimLeft(lines[i], " ")
		deep := len(lines[i])-len(text) >= column-1
		switch {
		case strings.TrimSpace(text) == "":
		case deep:
			end = i + 1
		case !strings.HasPrefix(text, "#"):
			return end
		}
	}
	return end
}

// rewrite changes the fields that differ.
func rewrite(value *yaml.Node, e spec.Expect, s Seen, hide func(string) string) {
	if want, ok := statusOf(e); ok && want != string(s.Result.Status) {
		set(value, "status", string(s.Result.Status))
	}
	if e.Reason.Given && e.Reason.Value != string(s.Result.Reason) {
		set(value, "reason", string(s.Result.Reason))
	}
	if e.ExitCode.Given || !e.Given && s.Result.Status == engine.Failed {
		set(value, "exitCode", s.Result.ExitCode)
	}
	if e.Attempts.Given {
		set(value, "attempts", len(s.Result.Attempts))
	}
	if _, differs := compareOutput(e, s, hide); differs || !e.Given && len(s.Lines) > 0 {
		_, list := entry(value, output)
		if list == nil || list.Kind != yaml.SequenceNode {
			set(value, output, []string{})
			_, list = entry(value, output)
			list.Style = 0
		}
		rewriteOutput(list, e, s, hide)
	}
}

// set sets a field. A number that is the same already keeps its notation.
func set(object *yaml.Node, name string, value any) {
	var n yaml.Node
	_ = n.Encode(value) // never fails for a string, a number or a list
	key, old := entry(object, name)
	switch {
	case key == nil:
		object.Content = append(object.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, &n)
	case old.Kind == yaml.ScalarNode && n.Kind == yaml.ScalarNode && sameNumber(old.Value, n.Value):
	default:
		n.LineComment, n.HeadComment, n.FootComment = old.LineComment, old.HeadComment, old.FootComment
		*old = n
	}
}

func sameNumber(a, b string) bool {
	x, err := strconv.ParseInt(a, 0, 64)
	y, err2 := strconv.ParseInt(b, 0, 64)
	return err == nil && err2 == nil && x == y
}

// rewriteOutput leaves out the conditions that are not fulfilled. If a line was among them, it adds the lines that no condition
// covers, each once and without the empty ones.
func rewriteOutput(list *yaml.Node, e spec.Expect, s Seen, hide func(string) string) {
	var kept []*yaml.Node
	covered, missed := map[int]bool{}, len(e.Output) == 0
	for i, m := range e.Output {
		found := matches(m, s.Lines, hide)
		if (len(found) > 0) == (m.Not != nil) {
			missed = missed || m.Not == nil
			continue
		}
		kept = append(kept, list.Content[i])
		for _, i := range found {
			covered[i] = true
		}
	}
	added := map[string]bool{"": true}
	for i, line := range s.Lines {
		if !missed || covered[i] || added[line.Text] || !utf8.ValidString(line.Text) || strings.Contains(strings.TrimRight(line.Text, "\r"), "\r") {
			continue
		}
		added[line.Text] = true
		var n yaml.Node
		_ = n.Encode(strings.TrimRight(line.Text, "\r"))
		kept = append(kept, &n)
	}
	list.Content = kept
	if len(kept) > 0 && list.Style&yaml.FlowStyle != 0 {
		list.Style = 0
	}
}
