package report

import (
	_ "embed" // for the page
	"fmt"
	"html/template"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// pageTail is how many bytes of the output of each attempt HTML keeps.
const pageTail = 64 << 10

// HTML is a sink that keeps the end of the output of each attempt, and writes a page about the run.
type HTML struct{ tails map[attemptOf]*tail }

type attemptOf struct {
	task   string
	number int
}

// NewHTML returns an HTML without output.
func NewHTML() *HTML { return &HTML{tails: map[attemptOf]*tail{}} }

// Emit keeps lines of output.
func (h *HTML) Emit(e engine.Event) {
	line, ok := e.(engine.OutputLine)
	if !ok {
		return
	}
	key := attemptOf{line.Task, line.Attempt}
	if h.tails[key] == nil {
		h.tails[key] = &tail{limit: pageTail}
	}
	h.tails[key].add(tailLine{line.Stream, line.Line, line.Partial})
}

// page is the template of the page, which is well-formed XML. It is parsed when it is used, since most runs write no page.
//
//go:embed page.html.tmpl
var page string

// Write writes one page without scripts and without anything that a browser would load: the times of stages, tasks and attempts,
// and the output of each attempt. The filter by status needs a browser that knows :has() of CSS; others show all tasks.
func (h *HTML) Write(w io.Writer, r engine.Result) error {
	t, err := template.New("page").Parse(page)
	if err == nil {
		err = t.Execute(w, h.view(r))
	}
	if err != nil {
		return fmt.Errorf("write HTML report: %w", err)
	}
	return nil
}

// pageView is what the page shows. All texts are printable.
type pageView struct {
	Title, Status, Started, Took, Engine string
	// Counts are the statuses that tasks have, for the filter.
	Counts []pageCount
	Groups []pageGroup
	// Note is what the result means for the deployment.
	Note string
}

type pageCount struct {
	Status string
	Tasks  int
}

// pageGroup is a stage with its tasks, or the tasks without a stage, which have no Name.
type pageGroup struct {
	Name, Status, Message string
	Bar                   pageBar
	Tasks                 []pageTask
}

type pageTask struct {
	Name, Status, Headline, Took, Why, Image, Origin string
	// Open shows the details from the beginning.
	Open     bool
	Bars     []pageBar
	Attempts []pageAttempt
}

type pageAttempt struct {
	Title, Status, Message, Output string
}

// pageBar is a time, in thousandths of that of the run.
type pageBar struct {
	Status, Title string
	From, Width   int64
}

func (h *HTML) view(r engine.Result) pageView {
	v := pageView{
		Title: plan.OneLine("ktask run " + r.RunID), Status: string(r.Status), Started: r.Started.UTC().Format("2006-01-02 15:04:05 UTC"),
		Took: short(r.Finished.Sub(r.Started)), Note: deployment(r),
		Engine: plan.OneLine(strings.TrimSpace(r.Engine.Name + " " + r.Engine.Version + " " + r.Engine.Host)),
	}
	for _, s := range []engine.Status{engine.Passed, engine.Failed, engine.TimedOut, engine.Errored, engine.Canceled} {
		count := pageCount{Status: string(s)}
		for _, t := range r.Tasks {
			if t.Status == s {
				count.Tasks++
			}
		}
		if count.Tasks > 0 {
			v.Counts = append(v.Counts, count)
		}
	}
	if tasks := tasksOf(r, plan.Stage{}); len(tasks) > 0 {
		v.Groups = append(v.Groups, pageGroup{Tasks: h.tasks(r, tasks)})
	}
	for _, s := range r.Stages {
		v.Groups = append(v.Groups, pageGroup{
			Name: plan.OneLine(s.String()), Status: string(s.Status), Message: plan.OneLine(s.Message),
			Bar: newPageBar(r, s.Status, "the stage", s.Started, s.Finished), Tasks: h.tasks(r, tasksOf(r, s.Stage)),
		})
	}
	return v
}

func (h *HTML) tasks(r engine.Result, tasks []engine.TaskResult) []pageTask {
	var all []pageTask
	for _, t := range tasks {
		p := pageTask{
			Name: plan.OneLine(t.Name), Status: string(t.Status), Headline: headline(t), Open: needsExplanation(t),
			Image: plan.OneLine(t.Image), Origin: plan.OneLine(t.Origin.String()),
		}
		if t.Status != engine.Passed {
			p.Why = why(t, true)
		}
		if !t.Started.IsZero() {
			p.Took = short(duration(t))
		}
		for _, a := range t.Attempts {
			title := fmt.Sprintf("attempt %d: %s", a.Number, a.Status)
			if a.ExitCode >= 0 {
				title += fmt.Sprintf(", exit code %d", a.ExitCode)
			}
			title += ", " + short(a.Finished.Sub(a.Started))
			p.Bars = append(p.Bars, newPageBar(r, a.Status, title, a.Started, a.Finished))
			p.Attempts = append(p.Attempts, pageAttempt{
				Title: title, Status: string(a.Status), Message: plan.Printable(a.Message), Output: h.output(t.Name, a.Number),
			})
		}
		all = append(all, p)
	}
	return all
}

// newPageBar returns the bar of a time. Clocks of engines differ from that of this machine, so it may reach out of the run's time.
func newPageBar(r engine.Result, status engine.Status, title string, from, to time.Time) pageBar {
	const all = 1000
	run := max(r.Finished.Sub(r.Started), 1)
	at := func(t time.Time) int64 {
		return min(max(int64(float64(t.Sub(r.Started))/float64(run)*all), 0), all)
	}
	b := pageBar{Status: string(status), Title: title}
	if !from.IsZero() {
		b.From = min(at(from), all-2)
		b.Width = max(at(to)-b.From, 2)
	}
	return b
}

// colour matches what a screen passes of colours.
var colour = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

// output returns the end of the output of an attempt without its colours.
func (h *HTML) output(task string, number int) string {
	t := h.tails[attemptOf{task, number}]
	if t == nil {
		return ""
	}
	var lines []string
	s := newScreen(true)
	t.each(func(line string) {
		lines = append(lines, colour.ReplaceAllString(s.text(stream{}, line, false, true), ""))
	})
	return strings.Join(lines, "\n")
}
