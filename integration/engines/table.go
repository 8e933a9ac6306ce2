package engines

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Table is the file with a table of what tasks have on each engine, from a directory two levels below the module's root.
const Table = "../../docs/engines.md"

// CompareColumn compares what was measured on an engine, by the names of rows, with a column of Table. With update it writes it
// there instead.
func CompareColumn(t testing.TB, column string, measured map[string]string, update bool) {
	t.Helper()
	text, err := os.ReadFile(Table)
	if err != nil {
		t.Fatal(err)
	}
	lines, at, missing := strings.Split(string(text), "\n"), -1, maps.Clone(measured)
	for i, line := range lines {
		cells := cellsOf(line)
		if at < 0 {
			at = slices.Index(cells, column)
			continue
		}
		if len(cells) == 0 {
			break
		}
		got, ok := measured[cells[0]]
		if !ok || len(cells) <= at {
			continue
		}
		delete(missing, cells[0])
		if update {
			cells[at] = got
			lines[i] = "| " + strings.Join(cells, " | ") + " |"
		} else if got != cells[at] {
			t.Errorf("%s: %s: measured %s, the table in %s has %s", column, cells[0], got, Table, cells[at])
		}
	}
	if len(missing) > 0 {
		t.Errorf("the table in %s has no rows %q with a column %q", Table, slices.Sorted(maps.Keys(missing)), column)
	}
	if update {
		if err := os.WriteFile(Table, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// cellsOf returns the cells of a row of a table, or nil for another line.
func cellsOf(line string) []string {
	cells := strings.Split(line, "|")
	if !strings.HasPrefix(line, "|") || len(cells) < 3 {
		return nil
	}
	cells = cells[1 : len(cells)-1]
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}
