package spec

import (
	"regexp"
	"strings"

	"github.com/ktask/ktask/spec/yamltree"
)

// helmAction matches what only Helm replaces: an action with one of its objects or functions.
var helmAction = regexp.MustCompile(`\{\{-?[^{}]*(?:\.(?:Values|Release|Chart|Capabilities|Files|Template)\b|\b(?:include|template|tpl|toYaml)\s)[^{}]*\}\}`)

// warnTemplate warns of the first scalar of an object that has an action of a Helm template.
func (o *object) warnTemplate() {
	seen := map[*yamltree.Node]bool{} // an alias shares its node
	var first func(n *yamltree.Node, at *yamltree.Path) bool
	first = func(n *yamltree.Node, at *yamltree.Path) bool {
		if seen[n] {
			return false
		}
		seen[n] = true
		if n.Kind == yamltree.String && strings.Contains(n.Text, "{{") && helmAction.MatchString(n.Text) {
			o.warn(o.posOf(n, at), "unrendered-template", "helm template CHART | ktask run -",
				"%s holds %s, which is an action of a Helm template that was not rendered", at, shortened(helmAction.FindString(n.Text)))
			return true
		}
		for i, value := range n.Values {
			below := at.Item(i)
			if n.Kind == yamltree.Object {
				below = at.Field(n.Keys()[i].Text)
			}
			if first(value, below) {
				return true
			}
		}
		return false
	}
	first(o.node, nil)
}
