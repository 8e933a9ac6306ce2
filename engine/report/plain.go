package report

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// Options are what Plain and Live can be told.
type Options struct {
	// Tasks are the names of the plan's tasks in their order. With more than one, each line of output names its task.
	Tasks []string
	// Timestamps puts the time before each line of output.
	Timestamps bool
	// Color paints names and outcomes.
	Color bool
	// OutTerminal and DiagTerminal report whether the writers are terminals, on which the output of tasks is made harmless.
	OutTerminal, DiagTerminal bool
	// Width is the number of columns of the terminal, for Live; less than one is 80.
	Width int
}

// Plain streams output line by line. What a task writes to stdout goes to one writer, unchanged where there is a
// single task and no timestamps are asked for: `ktask run task.yaml >file` holds just that. What it writes to
// stderr, and all that ktask itself says, goes to the other writer. Its bytes are passed on as they are, unless the writer is a
// terminal, see screen.
type Plain struct {
	options Options
	colours colours
	streams streams
	screens map[engine.Stream]screen
	prefix  map[string]string
	// open is true in the middle of a line that is told in parts; see OutputLine.Partial.
	open map[stream]bool
	of   map[string]int
	// unended are the streams of a single task that ended in the middle of a line; live adds the line break all the same.
	unended map[engine.Stream]bool
	live    bool
	// told are the states of images that were told already: tasks share images.
	told map[[2]string]bool
	said bool
}

type stream struct {
	task string
	name engine.Stream
}

// NewPlain gives a reporter that writes the tasks' stdout to out, and their stderr and its own words to diag.
func NewPlain(out, diag io.Writer, o Options) *Plain {
	p := &Plain{
		options: o,
		colours: colours(o.Color),
		streams: newStreams(out, diag),
		screens: map[engine.Stream]screen{engine.Stdout: newScreen(o.OutTerminal), engine.Stderr: newScreen(o.DiagTerminal)},
		prefix:  map[string]string{},
		open:    map[stream]bool{},
		of:      map[string]int{},
		unended: map[engine.Stream]bool{},
		told:    map[[2]string]bool{},
	}
	if len(o.Tasks) < 2 {
		return p
	}
	width := 0
	for _, name := range o.Tasks {
		width = max(width, utf8.RuneCountInString(plan.OneLine(name)))
	}
	for i, name := range o.Tasks {
		label := plan.OneLine(name)
		label += strings.Repeat(" ", width-utf8.RuneCountInString(label)) + " | "
		p.prefix[name] = p.colours.paint(prefixColours[i%len(prefixColours)], label)
	}
	return p
}

// Emit writes what e has to say.
func (p *Plain) Emit(e engine.Event) {
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
			p.say(e.Task, retrying(e, p.of[e.Task]))
		}
	case engine.TaskFinished:
		// The closing table tells of a single task, and the end of its stage of a task that never started.
		unstarted := e.Result.Stage.ID != "" && e.Result.Started.IsZero()
		if len(p.options.Tasks) > 1 && !unstarted {
			p.say(e.Task, p.colours.status(e.Result.Status, headline(e.Result)))
		}
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

// Err is the first failure to write.
func (p *Plain) Err() error { return p.streams.err() }

func (p *Plain) line(e engine.OutputLine) {
	w := p.streams.out()
	if e.Stream == engine.Stderr {
		w = p.streams.diag()
	}
	p.said = true
	from := stream{e.Task, e.Stream}
	begun := len(p.open) > 0 && p.open[from]
	if !begun {
		if p.options.Timestamps {
			_, _ = w.WriteString(p.colours.paint(dim, timestamp(e.Time)) + " ")
		}
		_, _ = w.WriteString(p.prefix[e.Task])
	}
	// With several tasks, parts of a long line become lines: another task's may come between them.
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

// restart ends the lines that the attempt before left without an end.
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

// image tells each state of an image once; bytes are for Live.
func (p *Plain) image(e engine.ImageProgress) {
	state := [2]string{e.Image, e.Status}
	if !p.told[state] {
		p.told[state] = true
		p.say(e.Task, plan.OneLine("image "+e.Image+": "+e.Status))
	}
}

// stageStarted tells of a stage that has tasks, and where Keptn would roll out a workload: that is not done here.
func (p *Plain) stageStarted(e engine.StageStarted) {
	if deploys(e.Stage) {
		p.sayStage("deploy "+e.Stage.Workload, "not done here")
	}
	if n := len(e.Tasks); n > 0 {
		p.sayStage(e.Stage.String(), count(n, "task"))
	}
}

func (p *Plain) stageFinished(s engine.StageResult) {
	if len(s.Tasks) == 0 {
		return
	}
	p.sayStage(s.String(), p.colours.status(shade(s), stageHeadline(s)))
}

// sayStage writes a line of ktask's own that stands out between those of tasks.
func (p *Plain) sayStage(name, text string) {
	p.saying(p.colours.paint(bold, "── "+plan.OneLine(name)), text)
}

// say writes a line of ktask's own about a task.
func (p *Plain) say(task, text string) { p.saying(plan.OneLine(task), text) }

// saying marks a line as ktask's own: the task's stderr goes to the same writer.
func (p *Plain) saying(about, text string) {
	p.said = true
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
	if p.said {
		_ = w.WriteByte('\n')
	}
	_, _ = w.WriteString(summary(r, p.colours))
	p.Flush()
}

// streams buffers two writers that may be the same terminal: before one is written to, the other is flushed, so that
// what is seen is in the order in which it was written.
type streams struct {
	writers [2]*bufio.Writer
	current int
}

func newStreams(out, diag io.Writer) streams {
	return streams{writers: [2]*bufio.Writer{bufio.NewWriterSize(out, 32<<10), bufio.NewWriterSize(diag, 32<<10)}}
}

func (s *streams) out() *bufio.Writer  { return s.use(0) }
func (s *streams) diag() *bufio.Writer { return s.use(1) }

func (s *streams) use(n int) *bufio.Writer {
	if n != s.current {
		_ = s.writers[s.current].Flush()
		s.current = n
	}
	return s.writers[n]
}

// flush writes both; a bufio.Writer keeps its first error, see err.
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
