package kubernetes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestLogsThatBreak breaks a log after each of its bytes. The next stream has what the kubelet sends of it then: the lines from the
// given second on. Some lines come after others of a later time.
func TestLogsThatBreak(t *testing.T) {
	var log, want strings.Builder
	var lines, times []string
	for i, text := range []string{"one", "", "three words here", strings.Repeat("long ", 30_000), "of the same time", "the same again", "late", "later", "last"} {
		times = append(times, fmt.Sprintf("2026-11-26T12:00:%s00Z", []string{"00.0000000", "00.0000001", "01.0000002", "01.9000003", "02.0000004", "02.0000004", "01.9000002", "03.5000007", "03.2000008"}[i]))
		lines = append(lines, times[i]+" "+text+"\n")
		log.WriteString(lines[i])
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
		rest := ""
		for i, line := range lines {
			if at, err := time.Parse(time.RFC3339Nano, times[i]); err != nil || !at.Before(l.since) {
				rest += line
			}
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
