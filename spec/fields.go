package spec

import (
	"reflect"
	"slices"
	"strings"
)

// fieldInfo describes a JSON field of a struct.
type fieldInfo struct {
	name     string
	kind     reflect.Type
	versions []string // the API versions that have the field; nil if all do
}

// in reports whether an API version has the field.
func (f fieldInfo) in(version string) bool {
	return f.versions == nil || slices.Contains(f.versions, version)
}

// fieldCache holds the fields of the structs that it was asked for.
type fieldCache map[reflect.Type][]fieldInfo

// of returns the JSON fields of a struct, including those of embedded structs.
func (c fieldCache) of(t reflect.Type) []fieldInfo {
	if known, ok := c[t]; ok {
		return known
	}
	var fields []fieldInfo
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && (name == "" || options == "inline") {
			inner := f.Type
			for inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			fields = append(fields, c.of(inner)...)
			continue
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		info := fieldInfo{name: name, kind: f.Type}
		if versions := f.Tag.Get("versions"); versions != "" {
			info.versions = strings.Split(versions, ",")
		}
		fields = append(fields, info)
	}
	c[t] = fields
	return fields
}
