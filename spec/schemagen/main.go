// Schemagen writes the JSON Schema of manifests (draft-07, which yaml-language-server reads) to the file that it is given. It
// makes it from the types that package spec decodes manifests into. Run it with go generate.
package main

import (
	"log"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: schemagen FILE")
	}
	if err := os.WriteFile(os.Args[1], schema(), 0o644); err != nil {
		log.Fatal(err)
	}
}
