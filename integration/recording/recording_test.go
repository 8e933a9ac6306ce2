package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// text returns the characters of a frame.
func (f frame) text() string {
	var lines []string
	for _, l := range f.lines {
		text := ""
		for _, r := range l {
			text += strings.Repeat(" ", r.column-len([]rune(text))) + r.text
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

// TestFrames has a terminal that overwrites, erases and scrolls.
func TestFrames(t *testing.T) {
	const ms = time.Millisecond
	frames, err := recording{
		{0, []byte("$ k")},
		{100 * ms, []byte("\r\n0/1 do")},
		{110 * ms, []byte("ne\r")}, // so soon that it is the same frame
		{300 * ms, []byte("\x1b[A\x1b[J\x1b[1mTASK\x1b[0m  • \x1b[31mfailed\x1b[0m   ")},
		{500 * ms, []byte(strings.Repeat("\r\n", rows-1) + "end")},
	}.frames()
	if err != nil {
		t.Fatal(err)
	}
	type moment struct {
		at   time.Duration
		text string
	}
	want := []moment{{0, "$ k"}, {100 * ms, "$ k\n0/1 done"}, {300 * ms, "TASK  • failed"}, {500 * ms, "TASK  • failed" + strings.Repeat("\n", rows-1) + "end"}}
	if len(frames) != len(want) {
		t.Fatalf("%d frames, want %d", len(frames), len(want))
	}
	for i, f := range frames {
		if got := (moment{f.at, f.text()}); got != want[i] {
			t.Errorf("frame %d is %v, want %v", i, got, want[i])
		}
	}
	if l := frames[2].lines[0]; len(l) != 3 || l[0].style != (style{bold: true}) || l[2].style != (style{colour: 2}) {
		t.Errorf("the styles of %v", l)
	}
}

func TestUnknownStyle(t *testing.T) {
	_, err := recording{{0, []byte("ab\x1b[44mc")}}.frames()
	if err == nil || !strings.HasPrefix(err.Error(), "line 1, column 3: style ") {
		t.Errorf("error %v", err)
	}
}

func TestDraw(t *testing.T) {
	l := line{{0, "a<b", style{colour: 2, bold: true}}}
	picture, err := draw([]frame{{0, []line{l}}, {time.Second, []line{nil, l}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<g id="l0"><text x="0" textLength="24" class="c1 b">a&lt;b</text></g>`, // once
		`<g><use href="#l0" y="0"/></g>`, `<g><use href="#l0" y="357"/></g>`,
		"\n16.67%{transform:translateY(-340px)}", "#f{transform:translateY(-340px)}", "animation:f 6s",
	} {
		if strings.Count(string(picture), want) != 1 {
			t.Errorf("%s is not once in\n%s", want, picture)
		}
	}
	check(t, picture)
}

// ofAMachine matches what differs between machines: absolute paths, and ids of containers.
var ofAMachine = regexp.MustCompile(`/(home|root|tmp|Users|var)/|\b[0-9a-f]{12,}\b`)

// check fails the test unless the picture is well formed and small, needs no other file, has no script, and moves only for those who
// have not asked for less motion. It returns its text.
func check(t *testing.T, picture []byte) (text string) {
	t.Helper()
	if len(picture) > 100<<10 {
		t.Errorf("%d bytes: more than 100 KiB", len(picture))
	}
	if !bytes.Contains(picture, []byte("@media (prefers-reduced-motion:no-preference){#f{animation:")) {
		t.Error("it moves whatever motion the reader prefers")
	}
	if found := ofAMachine.Find(picture); found != nil {
		t.Errorf("it shows %q", found)
	}
	for decoder := xml.NewDecoder(bytes.NewReader(picture)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return text
		} else if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			text += string(token)
		case xml.StartElement:
			if !strings.Contains(" svg title style text rect defs g use ", " "+token.Name.Local+" ") {
				t.Errorf("it has an element %s", token.Name.Local)
			}
			for _, a := range token.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
					t.Errorf("it has an attribute %s=%q", a.Name.Local, a.Value)
				}
			}
		}
	}
}

// TestPublished reads the picture of README.md.
func TestPublished(t *testing.T) {
	picture, err := os.ReadFile(filepath.Join(root, "docs", "recording.svg"))
	if err != nil {
		t.Fatal(err)
	}
	text := check(t, picture)
	for _, scene := range scenes {
		if !strings.Contains(text, prompt+scene.command) {
			t.Errorf("it does not show %q (make recording writes it)", scene.command)
		}
	}
	for _, want := range []string{"0/4 done", " running · ", "| 1 replicas: too few to deploy", "3 passed", "1 failed", "3 replicas: enough to deploy"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not show %q", want)
		}
	}
	if strings.Contains(text, "ktask: removed") || strings.Contains(text, "warning") {
		t.Error("it shows a message that its commands do not cause (make recording writes it again)")
	}
}

// TestRecord records what is published, on the real engine and without time to look at it.
func TestRecord(t *testing.T) {
	if testing.Short() {
		t.Skip("needs an engine with the images of make images")
	}
	recorded, err := play(t.TempDir(), scenes, pace{})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := recorded.frames()
	if err != nil {
		t.Fatal(err)
	}
	if text := frames[len(frames)-1].text(); !strings.Contains(text, prompt+scenes[len(scenes)-1].command+"\n") || !strings.HasSuffix(text, "\n$") {
		t.Errorf("at the end the terminal shows\n%s", text)
	}
	if _, err := record(t.TempDir(), []scene{{"echo a", "b"}}, pace{}); err == nil || !strings.Contains(err.Error(), `"b" is not in its output`) {
		t.Errorf("error %v", err)
	}
}
