package command

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/ktask/ktask/engine"
)

// TestRecordOfSeveralRuns: runs that end at the same time lose nothing of each other.
func TestRecordOfSeveralRuns(t *testing.T) {
	r := record{filepath.Join(t.TempDir(), "failed", "a.json")}
	var want []string
	var runs sync.WaitGroup
	for i := range 20 {
		name := fmt.Sprintf("task-%02d", i)
		want = append(want, name)
		runs.Go(func() {
			if err := r.add([]engine.TaskResult{{Name: name, Status: engine.Failed}}); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	if got, err := r.read(); err != nil || !slices.Equal(got, want) {
		t.Errorf("recorded: %q (%v)", got, err)
	}
}
