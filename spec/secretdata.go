package spec

import (
	"fmt"
	"strings"
)

// Keys are sorted.
func (d SecretData) Keys() []string { return d.keys }

// Value is the value of key. Callers wrap it into a secret type at once.
func (d SecretData) Value(key string) (value []byte, ok bool) {
	value, ok = d.values[key]
	return value, ok
}

// Format prints the keys only, whatever the verb.
func (d SecretData) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "secret data with keys [%s]", strings.Join(d.keys, " "))
}

// MarshalText gives the keys only.
func (d SecretData) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%v", d), nil }
