package kubernetes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestLogsThatBreak breaks a log after each of its bytes. The next stream begins with the second of the last line, as the API server
// sends it.
func TestLogsThatBreak(t *testing.T) {
	var log, want strings.Builder
	for i, text := range []string{"one", "", "three words here", strings.Repeat("long ", 30_000), "of the same time", "the same again", "last"} {
		second := min(i, 4) / 2
		fmt.Fprintf(&log, "2026-11-26T12:00:0%d.%09dZ %s\n", second, min(i, 4), text)
		want.WriteString(text + "\n")
	}
	all := log.String()
	for cut := range len(all) {
		if cut > 300 && cut < len(all)-300 && cut%997 != 0 {
			continue
		}
		var got bytes.Buffer
		l := &logs{to: &got}
		if err := l.pass(io.MultiReader(strings.NewReader(all[:cut]), broken{})); !errors.Is(err, errBroken) {
			t.Fatalf("cut after %d: error %v", cut, err)
		}
		rest := all
		if len(l.passed.time) > 19 {
			rest = all[strings.Index(all, l.passed.time[:19]):]
		}
		if err := l.pass(strings.NewReader(rest)); !errors.Is(err, io.EOF) {
			t.Fatalf("cut after %d: error %v", cut, err)
		}
		if got.String() != want.String() {
			t.Fatalf("cut after %d: got\n%.500q\nwant\n%.500q", cut, got.String(), want.String())
		}
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }
