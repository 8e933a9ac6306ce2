package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/engine/report"
)

// TestHTMLPages reads the page of every scene as XML: it is well-formed, has no script and loads nothing.
func TestHTMLPages(t *testing.T) {
	for name, s := range scenes() {
		t.Run(name, func(t *testing.T) {
			sink, text := reporters["html"](s)
			checkPage(t, text(s.play(t, sink)))
		})
	}
}

// checkPage returns the text of a page that has no script and loads nothing.
func checkPage(t *testing.T, page string) (text string) {
	t.Helper()
	var open []string
	for d := xml.NewDecoder(strings.NewReader(page)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v\n%s", err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, token.Name.Local)
			if strings.Contains(" script link img iframe object embed form a base image use ", " "+token.Name.Local+" ") {
				t.Errorf("the page has an element %q", token.Name.Local)
			}
			for _, a := range token.Attr {
				if strings.Contains(" href src srcset action style ", " "+a.Name.Local+" ") || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("%s has an attribute %s=%q", token.Name.Local, a.Name.Local, a.Value)
				}
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && open[len(open)-1] == "style" {
				if css := string(token); strings.Contains(css, "url(") || strings.Contains(css, "@import") {
					t.Errorf("the style loads something:\n%s", css)
				}
				continue
			}
			text += string(token)
		}
	}
}

// TestHTMLEscapes writes names, messages and output that are HTML, CSS and escape sequences.
func TestHTMLEscapes(t *testing.T) {
	const evil = `</pre></style><script>alert(1)</script><img src=x onerror=alert(1)>" onload="alert(1)`
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	page := report.NewHTML()
	line := func(text string) {
		page.Emit(engine.OutputLine{Header: engine.Header{Task: evil, Attempt: 1}, Stream: engine.Stdout, Line: text})
	}
	line("\x1b[31mred\x1b[0m \x1b]0;title\x07" + evil + "\x00\u202e")
	for range 3000 {
		line(strings.Repeat("x", 100))
	}
	r := engine.Result{RunID: evil, Status: engine.Failed, Started: at, Finished: at.Add(time.Second)}
	r.Stages = []engine.StageResult{{Stage: plan.Stage{ID: "s", Name: evil, App: evil}, Message: evil, Status: engine.Failed, Started: at, Finished: at.Add(time.Second)}}
	r.Tasks = []engine.TaskResult{{
		Name: evil, Stage: r.Stages[0].Stage, Status: engine.Failed, Message: evil, Image: evil, Started: at.Add(-time.Hour), Finished: at.Add(time.Hour),
		Attempts: []engine.AttemptResult{{Number: 1, Status: engine.Failed, Message: evil + "\x1b[2J", Started: at.Add(-time.Hour), Finished: at.Add(time.Hour)}},
	}}
	var b bytes.Buffer
	if err := page.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	text := checkPage(t, b.String())
	if n := strings.Count(text, evil); n < 7 {
		t.Errorf("the page has the text %d times", n)
	}
	for _, want := range []string{"earlier lines are not shown", strings.Repeat("x", 100)} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.ContainsAny(b.String(), "\x1b\x07\u202e") || b.Len() > 200<<10 {
		t.Errorf("the page has %d bytes, or control characters", b.Len())
	}
	small := report.NewHTML()
	small.Emit(engine.OutputLine{Header: engine.Header{Task: evil, Attempt: 1}, Stream: engine.Stdout, Line: "\x1b[31mred\x1b[0m \x1b]0;title\x07rest"})
	b.Reset()
	if err := small.Write(&b, r); err != nil || !strings.Contains(b.String(), "<pre>red rest</pre>") {
		t.Errorf("%v: colours are not dropped in\n%s", err, b.String())
	}
}
