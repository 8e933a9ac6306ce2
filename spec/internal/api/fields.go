package api

import (
	"reflect"
	"slices"
	"strings"
)

// Field is a JSON field of a struct.
type Field struct {
	Name     string
	Type     reflect.Type
	Versions []string // the API versions that have the field; nil if all do
}

// In reports whether an API version has the field.
func (f Field) In(version string) bool {
	return f.Versions == nil || slices.Contains(f.Versions, version)
}

// Fields caches the fields of structs.
type Fields map[reflect.Type][]Field

// Of returns the JSON fields of a struct, including those of embedded structs.
func (c Fields) Of(t reflect.Type) []Field {
	if known, ok := c[t]; ok {
		return known
	}
	var fields []Field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && (name == "" || options == "inline") {
			inner := f.Type
			for inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			fields = append(fields, c.Of(inner)...)
			continue
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		info := Field{Name: name, Type: f.Type}
		if versions := f.Tag.Get("versions"); versions != "" {
			info.Versions = strings.Split(versions, ",")
		}
		fields = append(fields, info)
	}
	c[t] = fields
	return fields
}
