package resolve

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ktask/ktask/engine/plan"
)

// readsVariable reports whether a script reads an environment variable: env.get("NAME"), os.environ['NAME']. A regular expression
// is too slow for long scripts that many tasks share.
func readsVariable(script []byte, name string) bool {
	const quotes = "\"'`"
	for {
		at := bytes.Index(script, []byte(name))
		if at < 0 {
			return false
		}
		before, after := script[:at], script[at+len(name):]
		if at > 0 && len(after) > 0 && strings.IndexByte(quotes, before[at-1]) >= 0 && strings.IndexByte(quotes, after[0]) >= 0 {
			call := bytes.TrimRight(before[:at-1], " \t\r\n")
			for _, get := range []string{"env.get(", "environ.get(", "getenv(", "environ["} {
				if word := bytes.TrimSuffix(call, []byte(get)); len(word) < len(call) && !endsInWord(word) {
					return true
				}
			}
		}
		script = after
	}
}

func endsInWord(text []byte) bool {
	r, _ := utf8.DecodeLastRune(text)
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// warnUnset warns of a script that reads a variable that is not set: an optional one without a value, or one that Keptn does not
// have under this name. See "Names of variables" in docs/fidelity.md.
func (b *functionBuilder) warnUnset() {
	c := b.out.Container
	if len(c.Files) == 0 || b.broken("KeptnTaskDefinition", b.definition.Name, b.definition.Namespace) {
		return
	}
	script, at := c.Files[0].Content, b.chain[0].function.Pos
	unset := func(name string) bool {
		set := slices.ContainsFunc(c.Env, func(e plan.EnvVar) bool { return e.Name == name })
		return !set && readsVariable(script, name)
	}
	if unset("DATA") {
		b.warn(at, "data-unset", "set parameters.map, or --param NAME=VALUE",
			"the script of %q reads DATA, which is not set without parameters", b.definition.Name)
	}
	if unset("SECURE_DATA") && !b.secretName().Given {
		b.warn(at, "secure-data-unset", "set secureParameters.secret",
			"the script of %q reads SECURE_DATA, which is not set without a secret", b.definition.Name)
	}
	if unset("SECRET_DATA") {
		b.warn(at, "unknown-variable", "read SECURE_DATA", "the script of %q reads SECRET_DATA, which Keptn does not set", b.definition.Name)
	}
	if unset("CONTEXT") && !readsVariable(script, "KEPTN_CONTEXT") {
		b.warn(at, "context-renamed", "read KEPTN_CONTEXT", "the script of %q reads CONTEXT, which Keptn 0.9 renamed to KEPTN_CONTEXT", b.definition.Name)
	}
}
