package main

import _ "embed" // for the schema

// schema is what ktask schema prints.
//
//go:generate go run ./spec/schemagen ktask.schema.json
//go:embed ktask.schema.json
var schema []byte
