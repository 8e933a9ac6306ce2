package report

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"io"
	"regexp"
	"strings"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// githubTail is how many bytes of a task's output GitHub keeps while another task's group is open.
const githubTail = 1 << 20

// GitHub writes for the log of GitHub Actions: the output of a task in a foldable group, and an annotation at the
// manifest's line for each task that did not pass.
//
// Groups cannot be nested, so one task at a time has the floor: it streams, the others are kept, up to githubTail
// each, and follow when it has ended. A task's output is untrusted: the runner would carry out any line in it that
// looks like a workflow command, so all text that is not ours stands between stop-commands and a token that
// nobody can guess.
type GitHub struct {
	w *bufio.Writer
	// screen is for a terminal, nil if w is none.
	screen screen
	// token gives a new token for each group.
	token func() string
	floor *group
	// queue are the tasks that started and have not had the floor, in their order.
	queue []*group
	tasks map[string]*group
	// stages has the stages of tasks, for people.
	stages map[string]string
	// open is true in the middle of a line that is told in parts.
	open bool
	// openStream is the one that is told so.
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

// NewGitHub gives a reporter that writes to w, the step's stdout, which may be a terminal where somebody tries it.
func NewGitHub(w io.Writer, terminal bool) *GitHub {
	return &GitHub{w: bufio.NewWriterSize(w, 32<<10), screen: newScreen(terminal), token: rand.Text, tasks: map[string]*group{}, stages: map[string]string{}}
}

// Emit writes e where its task has the floor, and keeps it where not.
func (g *GitHub) Emit(e engine.Event) {
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
		g.add(t, kept{e.Stream, e.Line, e.Partial})
	case engine.AttemptFinished:
		if e.Retry {
			g.add(t, kept{text: "ktask: " + retrying(e, t.of)})
		}
	case engine.TaskFinished:
		if t != nil {
			t.result = &e.Result
			g.next()
		}
	case engine.RunFinished:
		g.finish(e.Result)
	}
}

// Flush writes what is buffered.
func (g *GitHub) Flush() { _ = g.w.Flush() }

// Err is the first failure to write.
func (g *GitHub) Err() error { return g.w.Flush() }

func (g *GitHub) add(t *group, k kept) {
	if t != g.floor {
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

// next closes the group of a task that has ended and gives the floor to the next one: first to those that have
// ended as well, as nothing more is to come of them.
func (g *GitHub) next() {
	for {
		if g.floor != nil {
			if g.floor.result == nil {
				return
			}
			g.end(g.floor)
			g.floor = nil
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
		g.floor = g.queue[chosen]
		g.queue = append(g.queue[:chosen:chosen], g.queue[chosen+1:]...)
		g.begin(g.floor)
	}
}

func (g *GitHub) begin(t *group) {
	title := t.name
	if stage := g.stages[t.name]; stage != "" {
		title = stage + ": " + title
	}
	g.write("::group::" + escapeData(plan.OneLine(title)) + "\n")
	t.token = g.stop()
	t.tail.each(func(line string) { g.write(g.screen.text(stream{task: t.name}, line, false, true) + "\n") })
	t.tail = tail{}
}

func (g *GitHub) end(t *group) {
	if g.open {
		// A command is one at the start of a line only.
		g.write("\n")
		g.open = false
	}
	g.write("ktask: " + headline(*t.result) + "\n")
	g.resume(t.token)
	g.write("::endgroup::\n")
	delete(g.tasks, t.name)
}

// finish writes the summary, which holds messages of containers and of the engine, and the annotations.
func (g *GitHub) finish(r engine.Result) {
	token := g.stop()
	g.write(summary(r, false))
	g.resume(token)
	for _, t := range r.Tasks {
		if telling(t) {
			g.write(annotation(t, warned(r, t)))
		}
	}
	g.Flush()
}

// stop makes the runner take the following lines for text, until resume.
func (g *GitHub) stop() string {
	token := g.token()
	g.write("::stop-commands::" + token + "\n")
	return token
}

func (g *GitHub) resume(token string) { g.write("::" + token + "::\n") }

func (g *GitHub) write(s string) { _, _ = g.w.WriteString(s) }

// annotation is the command that marks a task's line in the manifest; warned says that it is no more than a warning.
func annotation(t engine.TaskResult, warned bool) string {
	level := "error"
	if t.Status == engine.Canceled || warned {
		level = "warning"
	}
	var properties []string
	if file, line, ok := place(cmp.Or(t.Place, t.Origin)); ok {
		properties = append(properties, "file="+escapeProperty(plan.Escape(file, "\r\n")), "line="+line)
	}
	properties = append(properties, "title="+escapeProperty("ktask: "+plan.OneLine(t.Name)))
	text := strings.TrimSpace(strings.TrimPrefix(explanation(t), plan.OneLine(t.Name)+": "))
	return "::" + level + " " + strings.Join(properties, ",") + "::" + escapeData(text) + "\n"
}

// origins are "file:line", with a column or a field path behind it or without.
var origins = regexp.MustCompile(`^(.+?):([0-9]+)(?::[0-9]+)?(?: .*)?$`)

// place is the file and line of an origin; a flag, a variable, a default and standard input have none.
func place(o plan.Origin) (file, line string, ok bool) {
	m := origins.FindStringSubmatch(string(o))
	if m == nil || m[1] == "-" || m[1] == "<stdin>" || strings.HasPrefix(m[1], "flag ") || strings.HasPrefix(m[1], "env ") {
		return "", "", false
	}
	return m[1], m[2], true
}

// escapeData and escapeProperty are the inverse of what the runner does to a command's text and properties.
func escapeData(s string) string { return dataEscapes.Replace(s) }

func escapeProperty(s string) string { return propertyEscapes.Replace(s) }

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
