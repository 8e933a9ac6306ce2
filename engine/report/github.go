package report

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// githubTail is how many bytes of a task's output GitHub keeps while another task's group is open.
const githubTail = 1 << 20

// GitHub writes for the log of GitHub Actions: the output of a task in a foldable group, and an annotation at the
// manifest's line for each task that did not pass.
//
// Groups cannot be nested, so one task at a time streams. The output of the others is kept, up to githubTail each, and
// follows when that task has ended. Output is untrusted: the runner would execute any line that looks like a workflow
// command, so all text that is not ktask's stands between stop-commands and a random token.
type GitHub struct {
	w *bufio.Writer
	// screen is nil unless w is a terminal.
	screen *screen
	// dir is the directory of the manifests in the repository.
	dir string
	// token returns a new token for each group.
	token     func() string
	streaming *group
	// queue are the tasks that have started and have not streamed yet, in order.
	queue []*group
	tasks map[string]*group
	// stages are the stages of tasks, for people to read.
	stages map[string]string
	causes Causes
	// open reports whether a line that comes in parts has not ended.
	open bool
	// openStream is the stream of that line.
	openStream engine.Stream
}

// group is the output of one task.
type group struct {
	name   string
	of     int
	tail   tail
	token  string
	result *engine.TaskResult
}

// NewGitHub returns a reporter that writes to w, the stdout of the step. It may be a terminal when a user tries it. dir is the
// directory of the manifests in the repository, "" for its root.
func NewGitHub(w io.Writer, terminal bool, dir string) *GitHub {
	return &GitHub{w: bufio.NewWriterSize(w, 32<<10), dir: dir, screen: newScreen(terminal), token: rand.Text, tasks: map[string]*group{}, stages: map[string]string{}, causes: Causes{}}
}

// Emit writes an event if its task streams, and keeps it if not.
func (g *GitHub) Emit(e engine.Event) {
	g.causes.Emit(e)
	t := g.tasks[e.Head().Task]
	switch e := e.(type) {
	case engine.StageStarted:
		for _, task := range e.Tasks {
			g.stages[task] = e.Stage.String()
		}
	case engine.TaskStarted:
		t = &group{name: e.Task, tail: tail{limit: githubTail}}
		g.tasks[e.Task] = t
		g.queue = append(g.queue, t)
		g.next()
	case engine.AttemptStarted:
		t.of = e.Of
	case engine.OutputLine:
		g.add(t, tailLine{e.Stream, e.Line, e.Partial})
	case engine.AttemptFinished:
		if e.Retry {
			e.Result.Message = g.causes.cause(e.Task, e.Result)
			g.add(t, tailLine{text: "ktask: " + retrying(e, t.of)})
		}
	case engine.TaskFinished:
		if t != nil {
			explained := g.causes.explained(e.Result)
			t.result = &explained
			g.next()
		}
	case engine.RunFinished:
		g.finish(g.causes.Explain(e.Result))
	}
}

// Flush writes what is buffered.
func (g *GitHub) Flush() { _ = g.w.Flush() }

// Err returns the first failure to write.
func (g *GitHub) Err() error { return g.w.Flush() }

func (g *GitHub) add(t *group, k tailLine) {
	if t != g.streaming {
		t.tail.add(k)
		return
	}
	if g.open && k.stream != g.openStream {
		g.write("\n")
	}
	g.write(g.screen.text(stream{t.name, k.stream}, k.text, k.partial, !k.partial))
	g.open, g.openStream = k.partial, k.stream
	if !g.open {
		g.write("\n")
	}
}

// next closes the group of a task that has ended and lets the next one stream. Tasks that have ended as well come first:
// nothing more follows from them.
func (g *GitHub) next() {
	for {
		if g.streaming != nil {
			if g.streaming.result == nil {
				return
			}
			g.end(g.streaming)
			g.streaming = nil
		}
		if len(g.queue) == 0 {
			return
		}
		chosen := 0
		for i, t := range g.queue {
			if t.result != nil {
				chosen = i
				break
			}
		}
		g.streaming = g.queue[chosen]
		g.queue = append(g.queue[:chosen:chosen], g.queue[chosen+1:]...)
		g.begin(g.streaming)
	}
}

func (g *GitHub) begin(t *group) {
	title := t.name
	if stage := g.stages[t.name]; stage != "" {
		title = stage + ": " + title
	}
	g.write("::group::" + dataEscapes.Replace(plan.OneLine(title)) + "\n")
	t.token = g.stop()
	t.tail.each(func(line string) { g.write(g.screen.text(stream{task: t.name}, line, false, true) + "\n") })
	t.tail = tail{}
}

func (g *GitHub) end(t *group) {
	if g.open {
		// Only the start of a line can be a command.
		g.write("\n")
		g.open = false
	}
	g.write("ktask: " + headline(*t.result) + "\n")
	g.resume(t.token)
	g.write("::endgroup::\n")
	delete(g.tasks, t.name)
}

// finish writes the summary, which has messages of containers and of the engine, and the annotations.
func (g *GitHub) finish(r engine.Result) {
	token := g.stop()
	g.write(summary(r, false, nil, nil, 0))
	g.resume(token)
	for _, t := range r.Tasks {
		if needsExplanation(t) {
			g.write(annotation(g.dir, t, warned(r, t)))
		}
	}
	g.Flush()
}

// stop makes the runner read the following lines as text, until resume.
func (g *GitHub) stop() string {
	token := g.token()
	g.write("::stop-commands::" + token + "\n")
	return token
}

func (g *GitHub) resume(token string) { g.write("::" + token + "::\n") }

func (g *GitHub) write(s string) { _, _ = g.w.WriteString(s) }

// annotation returns the command that marks a task's line in the manifest, as a warning if warned is set.
func annotation(dir string, t engine.TaskResult, warned bool) string {
	level := "error"
	if t.Status == engine.Canceled || warned {
		level = "warning"
	}
	text := strings.TrimSpace(strings.TrimPrefix(explanation(t), plan.OneLine(t.Name)+": "))
	return Annotation(level, dir, cmp.Or(t.Place, t.Origin), "ktask: "+plan.OneLine(t.Name), text)
}

// Annotation returns the workflow command, in a line, with which GitHub shows a text at a line of a file: level is error,
// warning or notice. A relative path is below dir, a directory of the repository. Standard input has no file. See
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
func Annotation(level, dir string, at plan.Origin, title, text string) string {
	var properties []string
	if at.Line > 0 && at.File != "<stdin>" {
		file := at.File
		if dir != "" && !path.IsAbs(file) {
			file = path.Join(dir, file)
		}
		properties = append(properties, "file="+propertyEscapes.Replace(plan.Escape(file, "\r\n")), fmt.Sprintf("line=%d", at.Line))
		if at.Column > 0 {
			properties = append(properties, fmt.Sprintf("col=%d", at.Column))
		}
	}
	properties = append(properties, "title="+propertyEscapes.Replace(title))
	return "::" + level + " " + strings.Join(properties, ",") + "::" + dataEscapes.Replace(text) + "\n"
}

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
