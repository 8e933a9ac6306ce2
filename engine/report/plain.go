package report

import (
	"bufio"
	"io"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Options are the options of Plain and Live.
type Options struct {
	// Tasks are the names of the plan's tasks in order. If there are several, each line of output names its task.
	Tasks []string
	// Timestamps puts the time before each line of output.
	Timestamps bool
	// OutColor and DiagColor colour names and statuses on the writers.
	OutColor, DiagColor bool
	// OutTerminal and DiagTerminal report whether the writers are terminals. Output of tasks then goes through a screen.
	OutTerminal, DiagTerminal bool
	// NoOutput leaves out all but what is written to a Live, and its lines at the bottom.
	NoOutput bool
	// Size returns the columns and rows of the terminal; the default of Live is 80 and 24.
	Size func() (columns, rows int)
	// label is the largest width of a task's name before its output, or 0.
	label int
}

// Plain streams output line by line. The stdout of tasks goes to one writer, unchanged if there is a single task and no
// timestamps: after `ktask run task.yaml >file` the file holds just that. The stderr of tasks and the notes of ktask go to
// the other writer. Bytes are not changed unless the writer is a terminal, see screen.
type Plain struct {
	options Options
	colours colours
	streams streams
	screens perStream[*screen]
	// prefix stands before the lines of a task, if there are several.
	prefix map[string]perStream[string]
	// open are the streams in the middle of a line that comes in parts, see OutputLine.Partial.
	open map[stream]bool
	// shown is how much of the current line of a single task was shown as parts.
	shown perStream[int]
	of    map[string]int
	// unended are the streams of a single task that ended without a line break. If live is set, each line gets one.
	unended perStream[bool]
	live    bool
	// shownImages are the states of images that were shown: tasks share images.
	shownImages map[[2]string]bool
	endings     endings
	causes      Causes
	// shownErrors are those that were shown and that other tasks may have, too: an image that is missing, for example.
	shownErrors map[string]bool
	wrote       bool
}

type stream struct {
	task string
	name engine.Stream
}

// perStream holds a value for each output stream. It is not a map because each line of output asks for several of them.
type perStream[T any] struct{ stdout, stderr T }

func (p *perStream[T]) of(s engine.Stream) *T {
	if s == engine.Stderr {
		return &p.stderr
	}
	return &p.stdout
}

// NewPlain returns a reporter that writes the stdout of tasks to out, and their stderr and the notes of ktask to diag.
func NewPlain(out, diag io.Writer, o Options) *Plain {
	p := &Plain{
		options:     o,
		colours:     colours(o.DiagColor),
		streams:     newStreams(out, diag),
		screens:     perStream[*screen]{newScreen(o.OutTerminal), newScreen(o.DiagTerminal)},
		prefix:      map[string]perStream[string]{},
		open:        map[stream]bool{},
		of:          map[string]int{},
		shownImages: map[[2]string]bool{},
		endings:     endings{},
		causes:      Causes{},
		shownErrors: map[string]bool{},
	}
	if len(o.Tasks) < 2 {
		for _, s := range []*screen{p.screens.stdout, p.screens.stderr} {
			if s != nil {
				s.returns = !o.Timestamps
			}
		}
		return p
	}
	longest := 0
	for _, name := range o.Tasks {
		longest = max(longest, width(plan.OneLine(name)))
	}
	if o.label > 0 {
		longest = min(longest, o.label)
	}
	for i, name := range o.Tasks {
		label, code := fitted(plan.OneLine(name), longest)+" | ", prefixColours[i%len(prefixColours)]
		p.prefix[name] = perStream[string]{colours(o.OutColor).paint(code, label), p.colours.paint(code, label)}
	}
	return p
}

// Emit writes an event.
func (p *Plain) Emit(e engine.Event) {
	// The end of a run has no output of a single task, whose stdout may be long.
	if line, ok := e.(engine.OutputLine); !ok || line.Stream == engine.Stderr || len(p.options.Tasks) > 1 {
		p.endings.note(e)
	}
	p.causes.Emit(e)
	switch e := e.(type) {
	case engine.ImageProgress:
		p.image(e)
	case engine.AttemptStarted:
		p.of[e.Task] = e.Of
		p.restart()
	case engine.OutputLine:
		p.line(e)
	case engine.OutputPart:
		p.part(e)
	case engine.AttemptFinished:
		if e.Retry {
			e.Result.Message = p.causes.cause(e.Task, e.Result)
			p.taskNote(e.Task, retrying(e, p.of[e.Task]))
		}
	case engine.TaskFinished:
		p.taskFinished(p.causes.explained(e.Result))
	case engine.StageStarted:
		p.stageStarted(e)
	case engine.StageFinished:
		p.stageFinished(e.Result)
	case engine.RunFinished:
		p.finish(p.causes.Explain(e.Result))
	}
}

// Flush writes what is buffered.
func (p *Plain) Flush() { p.streams.flush() }

// Err returns the first failure to write.
func (p *Plain) Err() error { return p.streams.err() }

// taskFinished shows the end of a task, if there are several and nothing else has stopped it.
func (p *Plain) taskFinished(t engine.TaskResult) {
	if len(p.options.Tasks) < 2 || t.Status == engine.Canceled || t.Stage.ID != "" && t.Started.IsZero() {
		return
	}
	text := headline(t)
	if t.Status == engine.Errored {
		if p.shownErrors[text] {
			return // the end of the run has all tasks
		}
		p.shownErrors[text] = true
	}
	p.taskNote(t.Name, p.colours.status(t.Status, text))
}

// part writes a part of a line, if there is a single task.
func (p *Plain) part(e engine.OutputPart) {
	if len(p.prefix) == 0 {
		whole := *p.shown.of(e.Stream)
		*p.shown.of(e.Stream) = 0
		p.line(engine.OutputLine{Header: e.Header, Stream: e.Stream, Line: e.Text, Partial: true})
		*p.shown.of(e.Stream) = whole + len(e.Text)
	}
}

// line writes a line, or a part of one. On a terminal with several tasks, what a carriage return would overwrite is a line of its
// own.
func (p *Plain) line(e engine.OutputLine) {
	if len(p.prefix) > 0 && *p.screens.of(e.Stream) != nil && strings.Contains(e.Line, "\r") {
		parts := strings.FieldsFunc(e.Line, func(r rune) bool { return r == '\r' })
		for i, text := range parts {
			part := e
			part.Line, part.Partial = text, e.Partial && i == len(parts)-1
			p.line(part)
		}
		if len(parts) > 0 {
			return
		}
		e.Line = ""
	}
	if shown := p.shown.of(e.Stream); *shown > 0 {
		length := len(e.Line)
		e.Line = e.Line[min(*shown, length):]
		*shown = max(*shown-length, 0)
		if !e.Partial {
			*shown = 0
		}
	}
	w := p.streams.out()
	if e.Stream == engine.Stderr {
		w = p.streams.diag()
	}
	p.wrote = true
	from := stream{e.Task, e.Stream}
	begun := len(p.open) > 0 && p.open[from]
	if !begun {
		if p.options.Timestamps {
			c := perStream[colours]{colours(p.options.OutColor), p.colours}
			_, _ = w.WriteString(c.of(e.Stream).paint(dim, timestamp(e.Time)) + " ")
		}
		if len(p.prefix) > 0 {
			prefix := p.prefix[e.Task]
			_, _ = w.WriteString(*prefix.of(e.Stream))
		}
	}
	// With several tasks, parts of a long line become lines: lines of other tasks may come between them.
	joined := e.Partial && len(p.prefix) == 0
	_, _ = w.WriteString((*p.screens.of(e.Stream)).text(from, e.Line, e.Partial, !joined))
	if joined {
		p.open[from] = true
		return
	}
	if begun {
		delete(p.open, from)
	}
	if len(p.options.Tasks) > 1 || p.options.Timestamps || p.live {
		_ = w.WriteByte('\n')
		return
	}
	_, _ = w.WriteString(e.Break.String())
	*p.unended.of(e.Stream) = e.Break == engine.NoBreak
}

// restart ends the lines that the previous attempt has not ended.
func (p *Plain) restart() {
	for _, s := range []struct {
		stream engine.Stream
		writer func() *bufio.Writer
	}{{engine.Stdout, p.streams.out}, {engine.Stderr, p.streams.diag}} {
		if *p.unended.of(s.stream) {
			_ = s.writer().WriteByte('\n')
		}
	}
	p.unended = perStream[bool]{}
}

// image shows each state of an image once. Only Live shows bytes.
func (p *Plain) image(e engine.ImageProgress) {
	state := [2]string{e.Image, e.Status}
	if !p.shownImages[state] {
		p.shownImages[state] = true
		p.taskNote(e.Task, plan.OneLine("image "+e.Image+": "+e.Status))
	}
}

// stageStarted shows a stage that has tasks, and a rollout of Keptn that ktask does not do.
func (p *Plain) stageStarted(e engine.StageStarted) {
	if deploys(e.Stage) {
		p.stageNote("deploy "+e.Stage.Workload, "not done here")
	}
	if n := len(e.Tasks); n > 0 {
		p.stageNote(e.Stage.String(), count(n, "task"))
	}
}

func (p *Plain) stageFinished(s engine.StageResult) {
	if len(s.Tasks) == 0 {
		return
	}
	p.stageNote(s.String(), p.colours.status(shade(s), stageHeadline(s)))
}

// stageNote writes a note about a stage; it stands out among the lines of tasks.
func (p *Plain) stageNote(name, text string) {
	p.note(p.colours.paint(bold, "── "+plan.OneLine(name)), text)
}

// taskNote writes a note about a task.
func (p *Plain) taskNote(task, text string) { p.note(plan.OneLine(task), text) }

// note writes a line of ktask, marked as such: the stderr of tasks goes to the same writer.
func (p *Plain) note(about, text string) {
	p.wrote = true
	w := p.streams.diag()
	if p.unended.stderr {
		_ = w.WriteByte('\n')
		p.unended.stderr = false
	}
	_, _ = w.WriteString("ktask: " + about + ": " + text + "\n")
}

func (p *Plain) finish(r engine.Result) {
	w := p.streams.diag()
	if p.unended.stderr {
		_ = w.WriteByte('\n')
	}
	if p.wrote {
		_ = w.WriteByte('\n')
	}
	_, _ = w.WriteString(summary(r, p.colours, p.endings, newScreen(p.options.DiagTerminal), p.options.columns()))
	p.Flush()
}
