// Corpus runs the loader and the planner over each YAML and JSON file below a directory, and prints how many files were accepted,
// warned of and refused, and by which rules. What a file refers to outside of it is counted by itself. It needs no engine.
//
//	corpus [-limit 10s] DIR
//
// Its exit code is 1 if a file made ktask crash or took longer than the limit.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	limit := flag.Duration("limit", 10*time.Second, "the time limit of each file")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: corpus [-limit 10s] DIR (make corpus DIR=...)")
		os.Exit(2)
	}
	c := newCensus()
	err := c.walk(flag.Arg(0), *limit, judge)
	c.print(os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "corpus: %v\n", err)
		os.Exit(2)
	}
	if c.files[crashed]+c.files[slow] > 0 {
		os.Exit(1)
	}
}
