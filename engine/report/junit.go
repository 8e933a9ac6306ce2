package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// captureTail is how many bytes of each stream of a task Capture keeps.
const captureTail = 256 << 10

// Capture is a sink that keeps the end of each task's output, for WriteJUnit.
type Capture struct{ tails map[stream]*tail }

// NewCapture returns an empty Capture.
func NewCapture() *Capture { return &Capture{tails: map[stream]*tail{}} }

// Emit keeps lines of output.
func (c *Capture) Emit(e engine.Event) {
	line, ok := e.(engine.OutputLine)
	if !ok {
		return
	}
	key := stream{line.Task, line.Stream}
	if c.tails[key] == nil {
		c.tails[key] = &tail{limit: captureTail}
	}
	c.tails[key].add(tailLine{line.Stream, line.Line, line.Partial})
}

// Output returns the end of what all attempts of a task wrote to a stream. If lines were dropped, it begins with a note.
func (c *Capture) Output(task string, name engine.Stream) string {
	t := c.tails[stream{task, name}]
	if t == nil {
		return ""
	}
	var b strings.Builder
	t.each(func(line string) { b.WriteString(line + "\n") })
	return b.String()
}

// WriteJUnit writes r as a JUnit XML report: a test case for each task, in one suite or, if there are stages, in a suite
// for each stage. A task that failed or timed out is a failure, one that errored an error, and one that was canceled is
// skipped. Output may be nil. Characters that XML does not allow, as in terminal colours, become U+FFFD.
func WriteJUnit(w io.Writer, r engine.Result, output *Capture) error {
	if output == nil {
		output = NewCapture()
	}
	text, err := xml.MarshalIndent(junitSuites{Suites: suites(r, output)}, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	}
	if err != nil {
		return fmt.Errorf("write JUnit report: %w", err)
	}
	return nil
}

// suites returns a suite of the tasks without a stage, if there are any or no stages, and one for each stage. A stage that
// never started has the start time of the run: consumers expect a time.
func suites(r engine.Result, output *Capture) []junitSuite {
	var all []junitSuite
	if tasks := tasksOf(r, plan.Stage{}); len(r.Stages) == 0 || len(tasks) > 0 {
		all = append(all, newJUnitSuite("ktask", r.Started, r.Finished, tasks, output))
	}
	for _, s := range r.Stages {
		started, finished := s.Started, s.Finished
		if started.IsZero() {
			started, finished = r.Started, r.Started
		}
		all = append(all, newJUnitSuite(s.String(), started, finished, tasksOf(r, s.Stage), output))
	}
	return all
}

func newJUnitSuite(name string, started, finished time.Time, tasks []engine.TaskResult, output *Capture) junitSuite {
	suite := junitSuite{
		Name:      name,
		Tests:     len(tasks),
		Time:      seconds(finished.Sub(started)),
		Timestamp: started.UTC().Format("2006-01-02T15:04:05"),
	}
	for _, t := range tasks {
		suite.add(t, output)
	}
	return suite
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	Class     string        `xml:"classname,attr"`
	Time      string        `xml:"time,attr"`
	Failure   *junitProblem `xml:"failure"`
	Error     *junitProblem `xml:"error"`
	Skipped   *junitProblem `xml:"skipped"`
	SystemOut *junitText    `xml:"system-out"`
	SystemErr *junitText    `xml:"system-err"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"`
}

// junitText is a CDATA section: elsewhere the encoder would write line breaks as &#xA;.
type junitText struct {
	Text string `xml:",cdata"`
}

func (s *junitSuite) add(t engine.TaskResult, output *Capture) {
	c := junitCase{
		Name:      t.Name,
		Class:     t.Definition,
		Time:      seconds(duration(t)),
		SystemOut: newJUnitText(output.Output(t.Name, engine.Stdout)),
		SystemErr: newJUnitText(output.Output(t.Name, engine.Stderr)),
	}
	problem := &junitProblem{Message: headline(t), Type: string(t.Reason), Text: xmlText(explanation(t))}
	switch t.Status {
	case engine.Passed:
	case engine.Errored:
		s.Errors++
		c.Error = problem
	case engine.Canceled:
		s.Skipped++
		c.Skipped = &junitProblem{Message: headline(t)}
	default:
		s.Failures++
		c.Failure = problem
	}
	s.Cases = append(s.Cases, c)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func newJUnitText(s string) *junitText {
	if s == "" {
		return nil
	}
	return &junitText{xmlText(s)}
}

// xmlText replaces characters that XML 1.0 does not allow, see https://www.w3.org/TR/xml/#charsets. The encoder does so
// except in CDATA.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 {
			return r
		}
		return utf8.RuneError
	}, s)
}
