package expect

import "github.com/ktask/ktask/engine"

// mostOutput is the size of the output of a task in bytes, up to which it is kept.
const mostOutput = 4 << 20

// Recorder is a sink that keeps the output of each task.
type Recorder struct{ tasks map[string]*recorded }

type recorded struct {
	Seen
	size int
	// begun are the indexes of the lines that have not ended.
	begun map[engine.Stream]int
}

// NewRecorder returns a Recorder that has recorded nothing.
func NewRecorder() *Recorder { return &Recorder{tasks: map[string]*recorded{}} }

// Emit keeps lines of output.
func (r *Recorder) Emit(e engine.Event) {
	line, ok := e.(engine.OutputLine)
	if !ok {
		return
	}
	t := r.tasks[line.Task]
	if t == nil {
		t = &recorded{begun: map[engine.Stream]int{}}
		r.tasks[line.Task] = t
	}
	if t.size += len(line.Line) + 1; t.size > mostOutput {
		t.Truncated = true
		return
	}
	i, continues := t.begun[line.Stream]
	if !continues {
		i = len(t.Lines)
		t.Lines = append(t.Lines, Line{Stream: line.Stream})
	}
	t.Lines[i].Text += line.Line
	delete(t.begun, line.Stream)
	if line.Partial {
		t.begun[line.Stream] = i
	}
}

// Seen returns what was seen of a task with this result.
func (r *Recorder) Seen(result engine.TaskResult) Seen {
	s := Seen{Result: result}
	if t := r.tasks[result.Name]; t != nil {
		s.Lines, s.Truncated = t.Lines, t.Truncated
	}
	return s
}
