package main

import (
	"reflect"

	"github.com/ktask/ktask/spec/internal/api"
)

// testDocs describes a TaskTest.
func testDocs() map[string]fieldDoc {
	return map[string]fieldDoc{
		"TaskTest.apiVersion": {}, "TaskTest.kind": {},
		"TaskTest.metadata": {"The name of the test, and the namespace of the task.", true, nil},
		"TaskTest.spec":     {"The task and the cases.", true, nil},

		"TaskTestSpec.task":  {"The name of the KeptnTaskDefinition or KeptnTask to test.", true, subdomain()},
		"TaskTestSpec.cases": {"The cases: each is a run of the task.", true, object{"minItems": 1}},

		"TestCase.name":    {"What the case shows, in a few words.", true, object{"pattern": `^[^\r\n]+$`}},
		"TestCase.params":  {"Parameters, which override those of the task key by key.", false, nil},
		"TestCase.secrets": {"Values of Secrets by NAME or NAME/KEY, as for --secret.", false, nil},
		"TestCase.context": {"Fields of KEPTN_CONTEXT.", false, nil},
		"TestCase.env":     {"Environment variables.", false, nil},
		"TestCase.files":   {"Files that are put in the container: absolute paths, and the content of each.", false, object{"propertyNames": object{"pattern": `^/[^/]`}}},
		"TestCase.retries": {"The number of retries, as for --retries.", false, object{"minimum": 0}},
		"TestCase.timeout": {"The time for all attempts, as for --timeout.", false, timeoutRules()},
		"TestCase.expect":  {"What is expected. Without it the task must pass.", false, nil},

		"Expect.status":   {"How the task ends. Unset: passed, or any if reason or exitCode is given.", false, object{"enum": api.TestStatuses()}},
		"Expect.reason":   {"Why the task does not pass: BackoffLimitExceeded, DeadlineExceeded, OOMKilled, ...", false, nil},
		"Expect.exitCode": {"The exit code of the last attempt.", false, nil},
		"Expect.output":   {"Lines that stdout or stderr must have, or objects with regex, json or not.", false, nil},
		"Expect.attempts": {"The number of attempts.", false, object{"minimum": 1}},
		"Expect.under":    {"The time from the start of the first attempt to the end of the task is shorter than this, for example 5s.", false, timeoutRules()},

		"Match.regex": {"A regular expression that matches a part of a line.", false, nil},
		"Match.json":  {"A line, or all of stdout, is JSON that has these fields, maybe with others.", false, nil},
		"Match.not":   {"What must not be in the output: a line, or an object with regex or json.", false, nil},
	}
}

// matchItem returns the schema of an item of Expect.Output: a string, or an object of type Match. The object negated is one that
// may be negated by Match.Not.
func (b *schemaBuilder) matchItem(negates bool) object {
	match := b.structure(reflect.TypeFor[api.Match]())
	properties := match["properties"].(object)
	if negates {
		properties["not"] = described(b.matchItem(false), testDocs()["Match.not"])
	} else {
		delete(properties, "not")
		match["oneOf"] = match["oneOf"].([]any)[:2]
	}
	return object{"anyOf": []any{object{"type": "string", "pattern": `^[^\r\n]*[\r\n]*$`}, match}}
}
