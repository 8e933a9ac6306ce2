package yamltree

import (
	"fmt"
	"testing"

	yaml2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
)

// FuzzPlainScalar compares the meaning of scalars without quotes with kubectl's YAML reader.
func FuzzPlainScalar(f *testing.F) {
	for _, s := range []string{
		"", "~", "null", "Null", "y", "Y", "yes", "YeS", "on", "OFF", "true", "False", "0", "-0", "+5", "007", "08", "0o7", "0x1F", "0b101", "-0b11", "0b+0", "-.INF", ".NaN", "1_000", "_1",
		"1.", ".5", "-.5", "1e3", "1E+3", "1e400", "9223372036854775808", "-9223372036854775809", "18446744073709551616", ".inf", "-.Inf", ".nan", ".", "-", "+",
		"...", "---", "1:30", "2001-01-01", "2001-01-01T00:00:00Z", "1.2.3", "<<", "=", "0x", "0x1p-2", "1__0", "0b", "1e", "١",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte("- "+s), &doc); err != nil || len(doc.Content) == 0 || len(doc.Content[0].Content) != 1 {
			t.Skip()
		}
		if scalar := doc.Content[0].Content[0]; scalar.Kind != yaml.ScalarNode || scalar.Value != s || scalar.Style != 0 {
			t.Skip() // not a plain scalar
		}
		var items []any
		if err := yaml2.Unmarshal([]byte("- "+s), &items); err != nil || len(items) != 1 {
			t.Skip()
		}
		want := fmt.Sprint(items[0])
		got := plainScalar(s)
		switch v := items[0].(type) {
		case nil:
			want = "null"
			if got.Kind != Null {
				t.Errorf("%q is null, not %s %q", s, got.Kind, got.Text)
			}
		case float64:
			switch {
			case infinite(s) && got.Kind == Number, got.Kind == String && (v > 1e308 || v < -1e308):
				want = s // it has no JSON
			default:
				var back float64
				if _, err := fmt.Sscan(got.Text, &back); err != nil || back != v || got.Kind != Number {
					t.Errorf("%q is %v, not %s %q", s, v, got.Kind, got.Text)
				}
				return
			}
		case string:
			if got.Kind != String {
				t.Errorf("%q is a string, not %s %q", s, got.Kind, got.Text)
			}
		case int, int64, uint64:
			if got.Kind != Number {
				t.Errorf("%q is a number, not %s %q", s, got.Kind, got.Text)
			}
		case bool:
			if got.Kind != Bool {
				t.Errorf("%q is a boolean, not %s %q", s, got.Kind, got.Text)
			}
		default: // a date stays as it was written
			want = s
		}
		if got.Text != want {
			t.Errorf("%q is %q, not %q", s, want, got.Text)
		}
	})
}
