package command

import (
	"io"
	"slices"

	"github.com/ktask/ktask/spec"
)

// The types below are the part of SARIF 2.1.0 (OASIS) that a list of problems needs.

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID string `json:"id"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	Level     spec.Severity   `json:"level"`
	Message   sarifMessage    `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	Line   int `json:"startLine"`
	Column int `json:"startColumn,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
}

func writeSARIF(w io.Writer, version string, problems spec.Problems) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "ktask", Version: version, Rules: []sarifRule{}}}, Results: []sarifResult{}}
	for _, p := range problems {
		text := p.Message
		if p.Remedy != "" {
			text += " (" + p.Remedy + ")"
		}
		result := sarifResult{RuleID: p.Rule, Level: p.Severity, Message: sarifMessage{text}}
		if p.Pos.File != "" {
			location := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{p.Pos.File}}}
			if p.Pos.Line > 0 {
				location.Physical.Region = &sarifRegion{p.Pos.Line, p.Pos.Column}
			}
			if p.Pos.Field != "" {
				location.Logical = []sarifLogical{{p.Pos.Field}}
			}
			result.Locations = []sarifLocation{location}
		}
		run.Results = append(run.Results, result)
		if !slices.Contains(run.Tool.Driver.Rules, sarifRule{p.Rule}) {
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{p.Rule})
		}
	}
	return writeJSON(w, sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}
