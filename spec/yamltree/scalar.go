package yamltree

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// plainScalar returns the meaning of a scalar without quotes in YAML 1.1. The rules are those of kubectl's reader
// (sigs.k8s.io/yaml, go.yaml.in/yaml/v2 resolve.go), which a fuzz test compares it with: booleans like yes and off, which
// YAML 1.2 no longer has, octal 0755, binary 0b1 and 1_000, but no numbers of base 60. A date, and what only looks like a
// number, is a string. Infinities are numbers, although JSON cannot express them and kubectl rejects them.
func plainScalar(s string) Node {
	n := Node{Kind: String, Text: s, Source: s}
	if s == "" {
		n.Kind, n.Text = Null, "null"
		return n
	}
	switch c := s[0]; {
	case infinite(s):
		n.Kind = Number
	case c == '.':
		n.float(s)
	case c == '+' || c == '-' || c >= '0' && c <= '9':
		n.number(strings.ReplaceAll(s, "_", ""))
	case len(s) <= len("false"):
		n.word()
	}
	return n
}

// infinite reports whether s is an infinity or not a number, which JSON cannot express.
func infinite(s string) bool {
	switch s {
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
		return true
	}
	return false
}

func (n *Node) word() {
	switch n.Text {
	case "~", "null", "Null", "NULL":
		n.Kind, n.Text = Null, "null"
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE":
		n.Kind, n.Text = Bool, "true"
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE":
		n.Kind, n.Text = Bool, "false"
	}
}

var decimal = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

func (n *Node) number(digits string) {
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		n.Kind, n.Text = Number, strconv.FormatInt(i, 10)
	} else if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		n.Kind, n.Text = Number, strconv.FormatUint(u, 10)
	} else if decimal.MatchString(digits) {
		n.float(digits)
	} else if bits, binary := strings.CutPrefix(digits, "0b"); binary {
		if i, err := strconv.ParseInt(bits, 2, 64); err == nil { // kubectl's reader allows a sign there
			n.Kind, n.Text = Number, strconv.FormatInt(i, 10)
		}
	}
}

func (n *Node) float(digits string) {
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return
	}
	if text, err := json.Marshal(f); err == nil { // fails for an infinity
		n.Kind, n.Text = Number, string(text)
	}
}
