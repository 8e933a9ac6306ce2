package resolve_test

import (
	"flag"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/ktask/ktask/integration/archives"
)

// update rewrites the expected results. Compare every change with docs/fidelity.md: a wrong golden file is worse than none.
var update = flag.Bool("update", false, "rewrite want.problems and want.plan")

// TestRules compares the plan or the problems of manifests with those that a rule of docs/fidelity.md requires.
func TestRules(t *testing.T) {
	archives.Run(t, *update, func(t *testing.T, archive *txtar.Archive) []txtar.File {
		problems, plan := newCase(t, archive).resolve(t)
		return []txtar.File{{Name: "want.problems", Data: []byte(problems)}, {Name: "want.plan", Data: []byte(plan)}}
	})
}
