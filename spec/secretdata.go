package spec

import (
	"fmt"
	"strings"
)

// Keys returns the keys, sorted.
func (d SecretData) Keys() []string { return d.keys }

// Value returns the value of a key. The caller must not print it.
func (d SecretData) Value(key string) (value []byte, ok bool) {
	value, ok = d.values[key]
	return value, ok
}

// Format prints only the keys, with every verb.
func (d SecretData) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "secret data with keys [%s]", strings.Join(d.keys, " "))
}

// MarshalText returns only the keys.
func (d SecretData) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%v", d), nil }
