package spec

import (
	"reflect"
	"slices"
	"strings"
)

// fieldInfo is what reflection says about a field of a struct.
type fieldInfo struct {
	name     string
	kind     reflect.Type
	versions []string // the API versions that have the field; nil is all
}

// in tells whether the field is in an API version.
func (f fieldInfo) in(version string) bool {
	return f.versions == nil || slices.Contains(f.versions, version)
}

// fieldsOf lists the JSON fields of a struct, embedded ones included.
func (s *shape) fieldsOf(t reflect.Type) []fieldInfo {
	if known, ok := s.fields[t]; ok {
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
			fields = append(fields, s.fieldsOf(inner)...)
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
	s.fields[t] = fields
	return fields
}
