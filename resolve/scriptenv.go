package resolve

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ktask/ktask/engine/plan"
)

// readsVariable reports whether a script reads an environment variable: env.get("NAME"), os.environ['NAME'], also by another name
// of environ, or from Deno.env.toObject(). A regular expression is too slow for long scripts that many tasks share.
func readsVariable(script []byte, name string) bool {
	if !bytes.Contains(script, []byte(name)) {
		return false
	}
	if readsObject(script, name) {
		return true
	}
	gets := []string{"env.get(", "environ.get(", "getenv(", "environ["}
	if alias := wordAfter(script, "environ as "); alias != "" {
		gets = append(gets, alias+".get(", alias+"[")
	}
	if alias := wordAfter(script, "getenv as "); alias != "" {
		gets = append(gets, alias+"(")
	}
	const quotes = "\"'`"
	for {
		at := bytes.Index(script, []byte(name))
		if at < 0 {
			return false
		}
		before, after := script[:at], script[at+len(name):]
		if at > 0 && len(after) > 0 && strings.IndexByte(quotes, before[at-1]) >= 0 && strings.IndexByte(quotes, after[0]) >= 0 {
			call := bytes.TrimRight(before[:at-1], " \t\r\n")
			for _, get := range gets {
				if word := bytes.TrimSuffix(call, []byte(get)); len(word) < len(call) && !endsInWord(word) {
					return true
				}
			}
		}
		script = after
	}
}

// readsObject reports whether a script reads a variable from Deno.env.toObject(): as a property, or in a list of names in braces.
func readsObject(script []byte, name string) bool {
	const call = "Deno.env.toObject()"
	for {
		before, after, ok := bytes.Cut(script, []byte(call))
		if !ok {
			return false
		}
		if property, ok := bytes.CutPrefix(after, []byte("."+name)); ok && !startsInWord(property) {
			return true
		}
		left, assigned := bytes.CutSuffix(bytes.TrimRight(before, " \t\r\n"), []byte("="))
		left, closed := bytes.CutSuffix(bytes.TrimRight(left, " \t\r\n"), []byte("}"))
		if assigned && closed && hasWord(left[bytes.LastIndexByte(left, '{')+1:], name) {
			return true
		}
		if variable := left[len(bytes.TrimRightFunc(left, isWord)):]; assigned && len(variable) > 0 && hasWord(after, string(variable)+"."+name) {
			return true
		}
		script = after
	}
}

// readsInShell reports whether a command of a shell reads a variable, as $NAME or ${NAME}, and does nothing else with it: it may
// set the variable, or have a default for it.
func readsInShell(command, name string) (reads bool) {
	for {
		at := strings.Index(command, name)
		if at < 0 {
			return reads
		}
		before, after := command[:at], command[at+len(name):]
		command = after
		if endsInWord([]byte(before)) || startsInWord([]byte(after)) {
			continue // a part of another name
		}
		if !strings.HasSuffix(before, "$") && (!strings.HasSuffix(before, "${") || !strings.HasPrefix(after, "}")) {
			return false
		}
		reads = true
	}
}

// hasWord reports whether a text has a word that is not a part of a longer one.
func hasWord(text []byte, word string) bool {
	for {
		before, after, ok := bytes.Cut(text, []byte(word))
		if !ok || !endsInWord(before) && !startsInWord(after) {
			return ok
		}
		text = after
	}
}

// wordAfter returns the word after the first occurrence of a text, or "".
func wordAfter(script []byte, text string) string {
	_, after, _ := bytes.Cut(script, []byte(text))
	return string(after[:len(after)-len(bytes.TrimLeftFunc(after, isWord))])
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func startsInWord(text []byte) bool {
	r, _ := utf8.DecodeRune(text)
	return isWord(r)
}

func endsInWord(text []byte) bool {
	r, _ := utf8.DecodeLastRune(text)
	return isWord(r)
}

// warnRenamed warns of a container task whose shell reads CONTEXT, which Keptn has renamed.
func (b *containerBuilder) warnRenamed() {
	for _, list := range []struct {
		field string
		texts []string
	}{{"command", b.from.Command}, {"args", b.from.Args}} {
		for i, text := range list.texts {
			set := slices.ContainsFunc(b.out.Container.Env, func(e plan.EnvVar) bool { return e.Name == "CONTEXT" })
			if !set && (readsInShell(text, "CONTEXT") || readsVariable([]byte(text), "CONTEXT")) && !strings.Contains(text, "KEPTN_CONTEXT") {
				b.warn(b.from.At(list.field, i), "context-renamed", "read KEPTN_CONTEXT",
					"%s of %q reads CONTEXT, which Keptn 0.9 renamed to KEPTN_CONTEXT", list.field, b.definition.Name)
			}
		}
	}
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
