package yamltree

import (
	"strconv"
	"strings"
)

// Path is the way from the root of an object to a field, or to an item of a list. The root is nil.
type Path struct {
	Parent *Path
	Name   string // of a field
	Index  int    // of an item
	IsItem bool
}

// Field returns the path of a field of p.
func (p *Path) Field(name string) *Path { return &Path{Parent: p, Name: name} }

// Item returns the path of an item of p.
func (p *Path) Item(i int) *Path { return &Path{Parent: p, Index: i, IsItem: true} }

// String returns the path as kubectl prints it: "spec.container.env[0].name".
func (p *Path) String() string {
	if p == nil {
		return ""
	}
	before := p.Parent.String()
	switch {
	case p.IsItem:
		return before + "[" + strconv.Itoa(p.Index) + "]"
	case p.Name == "" || strings.ContainsAny(p.Name, "./[]"):
		return before + "[" + p.Name + "]"
	case before == "":
		return p.Name
	}
	return before + "." + p.Name
}

// Within reports whether p is an entry of the object whose path ends with names.
func (p *Path) Within(names ...string) bool {
	for i := len(names) - 1; i >= 0; i-- {
		if p = p.Parent; p == nil || p.Name != names[i] {
			return false
		}
	}
	return p != nil
}
