package command

import (
	"io"
	"slices"

	"github.com/ktask/ktask/spec"
)

// object is an object of a JSON document.
type object = map[string]any

// writeSARIF writes problems in the part of SARIF 2.1.0 (OASIS) that they need.
func writeSARIF(w io.Writer, version string, problems spec.Problems) error {
	ids, rules, results := []string{}, []object{}, []object{}
	for _, p := range problems {
		text := p.Named()
		if p.Remedy != "" {
			text += " (" + p.Remedy + ")"
		}
		if !slices.Contains(ids, p.Rule) {
			ids, rules = append(ids, p.Rule), append(rules, object{"id": p.Rule})
		}
		result := object{"ruleId": p.Rule, "level": p.Severity, "message": object{"text": text}}
		if p.Pos.File != "" {
			result["locations"] = []object{sarifLocation(p.Pos)}
		}
		results = append(results, result)
	}
	return writeJSON(w, object{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": []object{{
		"tool": object{"driver": object{"name": "ktask", "version": version, "rules": rules}}, "results": results,
	}}})
}

func sarifLocation(pos spec.Pos) object {
	physical := object{"artifactLocation": object{"uri": pos.File}}
	if pos.Line > 0 {
		region := object{"startLine": pos.Line}
		if pos.Column > 0 {
			region["startColumn"] = pos.Column
		}
		physical["region"] = region
	}
	location := object{"physicalLocation": physical}
	if pos.Field != "" {
		location["logicalLocations"] = []object{{"fullyQualifiedName": pos.Field}}
	}
	return location
}
