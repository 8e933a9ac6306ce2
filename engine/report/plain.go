package report

import (
	"bufio"
	"io"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Options are the options of Plain and Live.
type Options struct {
	// Tasks are the names of the plan's tasks in order. If there are several, each line of output names its task.
	Tasks []string
	// Timestamps puts the time before each line of output.
	Timestamps bool
	// Color colours names and statuses.
	Color bool
	// OutTerminal and DiagTerminal report whether the writers are terminals. Output of tasks then goes through a screen.
	OutTerminal, DiagTerminal bool
	// Size returns the columns and rows of the terminal, for Live; the default is 80 and 24.
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
	screens map[engine.Stream]screen
	prefix  map[string]string
	// open are the streams in the middle of a line that comes in parts, see OutputLine.Partial.
	open map[stream]bool
	of   map[string]int
	// unended are the streams of a single task that ended without a line break. If live is set, each line gets one.
	unended map[engine.Stream]bool
	live    bool
	// shownImages are the states of images that were shown: tasks share images.
	shownImages map[[2]string]bool
	endings     endings
	// shownErrors are those that were shown and that other tasks may have, too: an image that is missing, for example.
	shownErrors map[string]bool
	wrote       bool
}

type stream struct {
	task string
	name engine.Stream
}

// NewPlain returns a reporter that writes the stdout of tasks to out, and their stderr and the notes of ktask to diag.
func NewPlain(out, diag io.Writer, o Options) *Plain {
	p := &Plain{
		options:     o,
		colours:     colours(o.Color),
		streams:     newStreams(out, diag),
		screens:     map[engine.Stream]screen{engine.Stdout: newScreen(o.OutTerminal), engine.Stderr: newScreen(o.DiagTerminal)},
		prefix:      map[string]string{},
		open:        map[stream]bool{},
		of:          map[string]int{},
		unended:     map[engine.Stream]bool{},
		shownImages: map[[2]string]bool{},
		endings:     endings{},
		shownErrors: map[string]bool{},
	}
	if len(o.Tasks) < 2 {
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
		p.prefix[name] = p.colours.paint(prefixColours[i%len(prefixColours)], fitted(plan.OneLine(name), longest)+" | ")
	}
	return p
}

// Emit writes an event.
func (p *Plain) Emit(e engine.Event) {
	p.endings.note(e)
	switch e := e.(type) {
	case engine.ImageProgress:
		p.image(e)
	case engine.AttemptStarted:
		p.of[e.Task] = e.Of
		p.restart()
	case engine.OutputLine:
		p.line(e)
	case engine.AttemptFinished:
		if e.Retry {
			e.Result.Message = p.endings.cause(e.Task, e.Result)
			p.taskNote(e.Task, retrying(e, p.of[e.Task]))
		}
	case engine.TaskFinished:
		p.taskFinished(p.endings.explained(e.Result))
	case engine.StageStarted:
		p.stageStarted(e)
	case engine.StageFinished:
		p.stageFinished(e.Result)
	case engine.RunFinished:
		p.finish(e.Result)
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

func (p *Plain) line(e engine.OutputLine) {
	w := p.streams.out()
	if e.Stream == engine.Stderr {
		w = p.streams.diag()
	}
	p.wrote = true
	from := stream{e.Task, e.Stream}
	begun := len(p.open) > 0 && p.open[from]
	if !begun {
		if p.options.Timestamps {
			_, _ = w.WriteString(p.colours.paint(dim, timestamp(e.Time)) + " ")
		}
		_, _ = w.WriteString(p.prefix[e.Task])
	}
	// With several tasks, parts of a long line become lines: lines of other tasks may come between them.
	joined := e.Partial && len(p.prefix) == 0
	_, _ = w.WriteString(p.screens[e.Stream].text(from, e.Line, e.Partial, !joined))
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
	p.unended[e.Stream] = e.Break == engine.NoBreak
}

// restart ends the lines that the previous attempt has not ended.
func (p *Plain) restart() {
	for _, s := range []struct {
		stream engine.Stream
		writer func() *bufio.Writer
	}{{engine.Stdout, p.streams.out}, {engine.Stderr, p.streams.diag}} {
		if p.unended[s.stream] {
			_ = s.writer().WriteByte('\n')
		}
	}
	clear(p.unended)
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
	if p.unended[engine.Stderr] {
		_ = w.WriteByte('\n')
		delete(p.unended, engine.Stderr)
	}
	_, _ = w.WriteString("ktask: " + about + ": " + text + "\n")
}

func (p *Plain) finish(r engine.Result) {
	w := p.streams.diag()
	if p.unended[engine.Stderr] {
		_ = w.WriteByte('\n')
	}
	if p.wrote {
		_ = w.WriteByte('\n')
	}
	_, _ = w.WriteString(summary(r, p.colours, p.endings, newScreen(p.options.DiagTerminal)))
	p.Flush()
}

// streams buffers two writers that may be the same terminal. It flushes one before it writes to the other, so that the
// order stays.
type streams struct {
	writers [2]*bufio.Writer
	current int
	// before is called before something is written; it may be nil.
	before func()
}

func newStreams(out, diag io.Writer) streams {
	return streams{writers: [2]*bufio.Writer{bufio.NewWriterSize(out, 32<<10), bufio.NewWriterSize(diag, 32<<10)}}
}

func (s *streams) out() *bufio.Writer  { return s.use(0) }
func (s *streams) diag() *bufio.Writer { return s.use(1) }

func (s *streams) use(n int) *bufio.Writer {
	if s.before != nil {
		s.before()
	}
	if n != s.current {
		_ = s.writers[s.current].Flush()
		s.current = n
	}
	return s.writers[n]
}

// flush flushes both writers. A bufio.Writer keeps its first error for err.
func (s *streams) flush() {
	for _, w := range s.writers {
		_ = w.Flush()
	}
}

func (s *streams) err() error {
	for _, w := range s.writers {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}
