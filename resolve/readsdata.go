package resolve

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ktask/ktask/runtimes"
)

// readsData reports whether a script reads the environment variable DATA: env.get("DATA"), os.environ['DATA']. A regular expression
// is too slow for long scripts that many tasks share.
func readsData(script []byte) bool {
	const name, quotes = "DATA", "\"'`"
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

// warnUnsetData warns of a script that reads DATA if there are no parameters: DATA is not set then.
func (b *functionBuilder) warnUnsetData(in runtimes.Inputs) {
	files := b.out.Container.Files
	if in.Data != nil || len(files) == 0 || !readsData(files[0].Content) || b.broken("KeptnTaskDefinition", b.definition.Name, b.definition.Namespace) {
		return
	}
	b.warn(b.chain[0].function.Pos, "data-unset", "set parameters.map, or --param NAME=VALUE",
		"the script of %q reads DATA, which is not set without parameters", b.definition.Name)
}
