package yamltree

import (
	"bytes"
	"testing"
)

func unexpected(t *testing.T) func(Problem) {
	return func(p Problem) { t.Helper(); t.Errorf("%+v", p) }
}

// TestDocumentsOfASource checks that markers count only at the start of a line, whatever its line break.
func TestDocumentsOfASource(t *testing.T) {
	for text, want := range map[string]int{
		"":                                     0,
		"# nothing":                            0,
		"---\n---\n...\n---\n# nothing\n":      0,
		"a: b":                                 1,
		"a: b\n---\nc: d":                      2,
		"a: b\n...\nc: d":                      2,
		"a: b\r\n---\r\nc: d\r\n...\r\ne: f":   3,
		"a: b\r---\rc: d":                      2,
		"a: b\u2028---\u2028c: d":              2,
		"a: b ---\nc: ...":                     1,
		"a: |\n  ---\n  b":                     1,
		"---a: b":                              1,
		"--- a":                                1,
		"%YAML 1.1\n---\na: b":                 1,
		"a: b\n...\n%YAML 1.1\n# x\n---\nc: d": 2,
	} {
		if got := len(Split([]byte(text), unexpected(t))); got != want {
			t.Errorf("%q: %d documents, want %d", text, got, want)
		}
	}
}

// TestPlaceOfSyntaxErrors expects the line that is wrong, not the start of what the parser could not finish.
func TestPlaceOfSyntaxErrors(t *testing.T) {
	for text, line := range map[string]int{
		"a:\n  b: |\n    one\n    two\n\tc: 3\n":                 5,
		"a:\n  b: 1\n  c: 2\n  {{- include \"x\" . }}\n  d: 3\n": 4,
		"a:\n  name: x\n  b:\n    c: {{ .Release.Name }}-t\n":    4,
	} {
		var problems []Problem
		for _, d := range Split([]byte(text), unexpected(t)) {
			d.Parse(func(p Problem) { problems = append(problems, p) })
		}
		if len(problems) != 1 || problems[0].Line != line {
			t.Errorf("want line %d: %v\n%s", line, problems, text)
		}
	}
}

// TestTree checks values, places, aliases and merge keys, and that bad values are omitted from the JSON.
func TestTree(t *testing.T) {
	const text = "a: &x {on: 0x10, list: [yes, ~]}\nb: {<<: *x, on: .inf}\nc:\n- |\n  one\n  two\n- *x\n"
	var tree *Node
	for _, d := range Split([]byte("---\n"+text), unexpected(t)) {
		tree = d.Parse(unexpected(t))
	}
	b := tree.Field("b")
	if number := b.Field("true"); !number.IsInfinite() || number.Line != 3 || number.Column != 17 {
		t.Errorf("b.on is %+v", number)
	}
	if code := tree.Field("c").Values[0]; code.TextLine() != 6 || code.Kind != String {
		t.Errorf("c[0] is %+v", code)
	}
	b.Field("list").Values[0].Bad = true // of a and of c, too, which share it
	var json bytes.Buffer
	tree.AppendJSON(&json)
	const want = `{"a":{"true":16,"list":[null,null]},"b":{"true":null,"list":[null,null]},"c":["one\ntwo\n",{"true":16,"list":[null,null]}]}`
	if json.String() != want {
		t.Errorf("got  %s\nwant %s", &json, want)
	}
	if path := (*Path)(nil).Field("b").Field("x.y/z").Item(1); path.String() != "b[x.y/z][1]" || !path.Within("b", "x.y/z") {
		t.Errorf("the path is %s", path)
	}
}
