package parity

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Sides are what the three runs of the same definitions have seen, by the names of tasks: on Docker with local semantics, on Docker
// with those of a cluster, and on a cluster.
type Sides [3]map[string]Facts

// Difference is a fact that is not the same on all sides.
type Difference struct {
	Definition, What string
	// Values are those on each side; "" is none.
	Values [3]string
	// Headings are the rules of docs/fidelity.md that explain it. They are empty if nothing does.
	Headings []string
	// used are the indices of their Explanations.
	used []int
}

// Count is how many facts of a kind there are, and how many of them are the same on all sides.
type Count struct{ Facts, Equal int }

// Compare returns the differences, sorted, and the numbers of facts by the first word of their names.
func (s Sides) Compare() (differences []Difference, counts map[string]Count) {
	counts = map[string]Count{}
	names := map[string]bool{}
	for _, side := range s {
		for name := range side {
			names[name] = true
		}
	}
	for _, definition := range slices.Sorted(maps.Keys(names)) {
		facts := map[string]bool{}
		for _, side := range s {
			for what := range side[definition] {
				facts[what] = true
			}
		}
		for _, what := range slices.Sorted(maps.Keys(facts)) {
			d := Difference{Definition: definition, What: what}
			for i, side := range s {
				if value, ok := side[definition][what]; ok {
					d.Values[i] = cmp.Or(value, "(empty)")
				}
			}
			kind, _, _ := strings.Cut(what, " ")
			count := counts[kind]
			count.Facts++
			if d.Values[0] == d.Values[1] && d.Values[1] == d.Values[2] {
				count.Equal++
			} else {
				d.explain()
				differences = append(differences, d)
			}
			counts[kind] = count
		}
	}
	return differences, counts
}

// explain finds the rules for the step from one semantics to the other, and for that from Docker to a cluster.
func (d *Difference) explain() {
	for _, step := range []struct {
		differs bool
		of      Step
	}{{d.Values[0] != d.Values[1], Semantics}, {d.Values[1] != d.Values[2], Engine}} {
		if !step.differs {
			continue
		}
		i := slices.IndexFunc(Explanations, func(e Explanation) bool { return e.Step == step.of && e.matches(*d) })
		if i < 0 {
			d.Headings = nil
			return
		}
		d.used = append(d.used, i)
		if heading := Explanations[i].Heading; !slices.Contains(d.Headings, heading) {
			d.Headings = append(d.Headings, heading)
		}
	}
}

func (e Explanation) matches(d Difference) bool {
	return whole(e.What, d.What) && (e.Definitions == "" || whole(e.Definitions, d.Definition))
}

// Unused returns the Explanations that explain none of the differences.
func Unused(differences []Difference) (unused []Explanation) {
	for i, e := range Explanations {
		if !slices.ContainsFunc(differences, func(d Difference) bool { return slices.Contains(d.used, i) }) {
			unused = append(unused, e)
		}
	}
	return unused
}

// whole reports whether an expression matches a whole text.
func whole(expression, text string) bool {
	return regexp.MustCompile("^(?:" + expression + ")$").MatchString(text)
}
