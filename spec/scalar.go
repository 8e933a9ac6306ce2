package spec

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// plainScalar is what YAML 1.1 makes of a scalar without quotes. The rules are those of the reader that kubectl has
// (sigs.k8s.io/yaml, go.yaml.in/yaml/v2 resolve.go), against which a fuzz test holds them: words for booleans that
// YAML 1.2 has no more, octal 0755, binary 0b1 and 1_000, but no numbers of base 60. A date or what is no number is text as it
// was written. An infinity is a number that JSON does not have: nothing that reads one takes it, and neither does kubectl.
func plainScalar(s string) node {
	n := node{kind: stringKind, text: s, source: s}
	if s == "" {
		n.kind, n.text = nullKind, "null"
		return n
	}
	switch c := s[0]; {
	case infinite(s):
		n.kind = numberKind
	case c == '.':
		n.float(s)
	case c == '+' || c == '-' || c >= '0' && c <= '9':
		n.number(strings.ReplaceAll(s, "_", ""))
	case len(s) <= len("false"):
		n.word()
	}
	return n
}

// infinite knows the numbers that JSON does not have.
func infinite(s string) bool {
	switch s {
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
		return true
	}
	return false
}

func (n *node) word() {
	switch n.text {
	case "~", "null", "Null", "NULL":
		n.kind, n.text = nullKind, "null"
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE":
		n.kind, n.text = boolKind, "true"
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE":
		n.kind, n.text = boolKind, "false"
	}
}

var decimal = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

func (n *node) number(digits string) {
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		n.kind, n.text = numberKind, strconv.FormatInt(i, 10)
	} else if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		n.kind, n.text = numberKind, strconv.FormatUint(u, 10)
	} else if decimal.MatchString(digits) {
		n.float(digits)
	} else if bits, binary := strings.CutPrefix(digits, "0b"); binary {
		if i, err := strconv.ParseInt(bits, 2, 64); err == nil { // kubectl's reader lets a sign stand there
			n.kind, n.text = numberKind, strconv.FormatInt(i, 10)
		}
	}
}

func (n *node) float(digits string) {
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return
	}
	if text, err := json.Marshal(f); err == nil { // not of an infinity
		n.kind, n.text = numberKind, string(text)
	}
}
