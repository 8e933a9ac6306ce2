package spec

import (
	"strconv"
	"strings"
)

// path is the way to a field from the root of its object.
type path struct {
	parent *path
	name   string
	index  int
	isItem bool // an item of a list, by index, and not a field
}

func (p *path) field(name string) *path { return &path{parent: p, name: name} }
func (p *path) item(i int) *path        { return &path{parent: p, index: i, isItem: true} }

func (p *path) String() string {
	if p == nil {
		return ""
	}
	before := p.parent.String()
	switch {
	case p.isItem:
		return before + "[" + strconv.Itoa(p.index) + "]"
	case p.name == "" || strings.ContainsAny(p.name, "./[]"):
		return before + "[" + p.name + "]"
	case before == "":
		return p.name
	}
	return before + "." + p.name
}

// within tells whether p is an entry of the object at the end of names.
func (p *path) within(names ...string) bool {
	for i := len(names) - 1; i >= 0; i-- {
		if p = p.parent; p == nil || p.name != names[i] {
			return false
		}
	}
	return p != nil
}
