package command

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/ktask/ktask/engine"
)

// attemptLogs is a sink that writes the output of each attempt to a file of its own, as the task writes it. It masks nothing: events
// are masked. It never writes to a file that exists, since that may be a link: it replaces it.
type attemptLogs struct {
	dir  *os.Root
	open map[string]*attemptLog // by task
	err  error
}

type attemptLog struct {
	*bufio.Writer
	file *os.File
}

// newAttemptLogs makes the directory if there is none. The name "" means that there are no files, and nil is returned.
func newAttemptLogs(name string) (*attemptLogs, error) {
	if name == "" {
		return nil, nil
	}
	if err := os.MkdirAll(name, 0o755); err != nil {
		return nil, fmt.Errorf("write logs: %w", err)
	}
	dir, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("write logs: %w", err)
	}
	return &attemptLogs{dir: dir, open: map[string]*attemptLog{}}, nil
}

// Emit writes output. After the first failure of an attempt nothing more is written of it.
func (l *attemptLogs) Emit(e engine.Event) {
	switch e := e.(type) {
	case engine.AttemptStarted:
		l.start(e.Task, e.Attempt)
	case engine.OutputLine:
		if log := l.open[e.Task]; log != nil {
			end := e.Break.String()
			if e.Partial {
				end = ""
			}
			_, _ = log.WriteString(e.Line + end) // Flush returns the error
		}
	case engine.AttemptFinished:
		l.finish(e.Task)
	}
}

func (l *attemptLogs) start(task string, attempt int) {
	name := logName(task, attempt)
	if err := l.dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.failed(err)
		return
	}
	file, err := l.dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		l.failed(err)
		return
	}
	l.open[task] = &attemptLog{bufio.NewWriter(file), file}
}

func (l *attemptLogs) finish(task string) {
	if log := l.open[task]; log != nil {
		l.failed(errors.Join(log.Writer.Flush(), log.file.Close()))
		delete(l.open, task)
	}
}

func (l *attemptLogs) failed(err error) {
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("write logs: %w", err)
	}
}

// Flush writes what is buffered, so that the files can be followed.
func (l *attemptLogs) Flush() {
	for _, log := range l.open {
		l.failed(log.Writer.Flush())
	}
}

// Err returns the first failure to write.
func (l *attemptLogs) Err() error {
	if l == nil {
		return nil
	}
	return l.err
}

// longestName is the number of bytes of a task's name in the name of a file. File systems allow 255 in all.
const longestName = 200

// logName returns TASK-ATTEMPT.log. In the name of the task, characters that a file system may not allow are replaced by an
// underscore, which no name in Kubernetes has. A name that is too long is cut, and made unique again by its hash.
func logName(task string, attempt int) string {
	name := []byte(task)
	for i, c := range name {
		if !slices.Contains([]byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."), c) || i == 0 && c == '.' {
			name[i] = '_'
		}
	}
	if len(name) > longestName {
		name = fmt.Appendf(name[:longestName:longestName], "-%x", sha256.Sum256([]byte(task)))[:longestName+9]
	}
	return fmt.Sprintf("%s-%d.log", name, attempt)
}
