package plan

import (
	"fmt"
	"strings"
)

// Origin is where a value comes from: a place in a file, or the setting that gives the value, or both if a setting names the
// file. Origins are comparable; the zero Origin is unknown.
type Origin struct {
	Source Source
	// Name is the setting as the user wrote it, such as "--param" or "FUNCTION_RUNNER_IMAGE", or "".
	Name string
	// File is the name of the file, Line and Column count from 1, Field is the path of the value in its document. What is
	// not known is "" or 0.
	File         string
	Line, Column int
	Field        string
}

// Source is the kind of an origin.
type Source string

// The sources of a value.
const (
	SourceFile     Source = ""
	SourceFlag     Source = "flag"
	SourceVariable Source = "env"
	SourceOption   Source = "option"  // of a Go program
	SourceSetting  Source = "setting" // of .ktask.yaml; the name is empty unless the setting names the file
	SourceStage    Source = "stage"   // what Keptn itself sets for the tasks of a stage
	SourceDefault  Source = "default"
)

// Default is the origin of a default.
var Default = Origin{Source: SourceDefault}

// Flag returns the origin of the value of a flag, whose name is without dashes.
func Flag(name string) Origin { return Origin{Source: SourceFlag, Name: "--" + name} }

// Option returns the origin of the value of an option of a Go program.
func Option(name string) Origin { return Origin{Source: SourceOption, Name: name} }

// Known reports whether the origin says anything.
func (o Origin) Known() bool { return o != Origin{} }

// Position returns "file:line", "file" if the line is not known, or "".
func (o Origin) Position() string {
	if o.Line == 0 {
		return o.File
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// String returns the origin in one line: "task.yaml:14 spec.deno.parameters.map", "flag --param" or "default".
func (o Origin) String() string {
	source := string(o.Source)
	if o.Source == SourceSetting {
		source = "" // the file's name says it
	}
	var words []string
	for _, word := range []string{source, o.Name, o.Position(), o.Field} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// MarshalText returns the text of String.
func (o Origin) MarshalText() ([]byte, error) { return []byte(o.String()), nil }
