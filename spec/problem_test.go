package spec_test

import (
	"testing"

	"github.com/ktask/ktask/spec"
)

// TestNamed checks that a message has the object in front unless it names the object.
func TestNamed(t *testing.T) {
	const object = `KeptnTask "a"`
	for _, test := range []struct{ object, message, want string }{
		{"", "spec is empty", "spec is empty"},
		{object, "spec is empty", `KeptnTask "a": spec is empty`},
		{object, `there is no KeptnTask "a"`, `there is no KeptnTask "a"`},
		{object, `task "a" needs a Secret`, `task "a" needs a Secret`},
		{object, `task "ab" needs a Secret`, `KeptnTask "a": task "ab" needs a Secret`},
		{object, `KeptnTask "a": spec is empty`, `KeptnTask "a": spec is empty`},
		{"KeptnTask", "there is no name", "KeptnTask: there is no name"},
		{"KeptnTask", "KeptnTask: there is no name", "KeptnTask: there is no name"},
	} {
		p := spec.Problem{Pos: spec.Pos{Object: test.object}, Message: test.message}
		if got := p.Named(); got != test.want {
			t.Errorf("%s, %q: got %q, want %q", test.object, test.message, got, test.want)
		}
	}
}
