package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ktask/ktask/local"
)

// clusterChecks returns the lines about a cluster: what it is, the rights of the user there, and what is left on it.
func (f findings) clusterChecks(c local.ClusterFacts) []check {
	all := []check{
		{good, "engine", fmt.Sprintf("%s %s at %s", c.Name, c.Version, c.Host)},
		{good, "namespace", c.Namespace},
	}
	if !c.Exists {
		all[1] = check{bad, "namespace", c.Namespace + " does not exist"}
	}
	if f.Settings != "" {
		all = append(all, check{good, "settings", f.Settings + " (`ktask config` shows them)"})
	}
	verbs := map[string]map[bool][]string{}
	var resources []string
	for _, r := range c.Rights {
		if verbs[r.Resource] == nil {
			verbs[r.Resource] = map[bool][]string{}
			resources = append(resources, r.Resource)
		}
		verbs[r.Resource][r.Allowed] = append(verbs[r.Resource][r.Allowed], r.Verb)
	}
	for _, allowed := range []bool{true, false} {
		for _, resource := range resources {
			if v := verbs[resource][allowed]; v != nil {
				c := check{good, "rights", fmt.Sprintf("%s: %s", resource, strings.Join(v, ", "))}
				if !allowed {
					c.mark, c.text = bad, c.text+" (not allowed)"
				}
				all = append(all, c)
			}
		}
	}
	if slices.ContainsFunc(all, func(c check) bool { return c.mark == bad && c.title == "rights" }) {
		all = append(all, check{note, "role", "this Role has all of them; `kubectl create rolebinding ktask --role=ktask --user=NAME` gives it to a user:"})
		for line := range strings.Lines(c.Role()) {
			all = append(all, check{" ", "role", strings.TrimRight(line, "\n")})
		}
		return all
	}
	return append(all, f.left()...)
}
