package command

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// record is a file in the user's state directory. It has the names of the tasks that did not pass in their last run, for runs of the same
// paths in the same directory, and nothing else of them.
type record struct{ file string }

// recordSchema identifies the format of a record.
const recordSchema = "ktask.dev/failed/v1"

// maxRecord is the size of a record in bytes: names of tasks are short.
const maxRecord = 16 << 20

type recordJSON struct {
	Schema string   `json:"schema"`
	Failed []string `json:"failed"`
}

// record returns the record of a run. It has no file if there is no state directory.
func (app App) record(s settings) record {
	paths, pathsErr := s.paths()
	dir, dirErr := newBoundary(".")
	if !filepath.IsAbs(app.StateDir) || errors.Join(pathsErr, dirErr) != nil {
		return record{}
	}
	hash := sha256.Sum256([]byte(strings.Join(append([]string{string(dir)}, paths...), "\x00")))
	return record{filepath.Join(app.StateDir, "failed", fmt.Sprintf("%x.json", hash))}
}

// read returns the names of the tasks that have not passed. The error is fs.ErrNotExist if nothing is recorded.
func (r record) read() ([]string, error) {
	if r.file == "" {
		return nil, fs.ErrNotExist
	}
	data, err := local.ReadFile(r.file, maxRecord)
	if err != nil {
		return nil, err
	}
	var doc recordJSON
	if err := json.Unmarshal(data, &doc); err != nil || doc.Schema != recordSchema {
		return nil, fmt.Errorf("%s is not a record of ktask (remove it)", r.file)
	}
	return doc.Failed, nil
}

// add records how tasks have ended. What is recorded of others stays.
func (r record) add(tasks []engine.TaskResult) error {
	if r.file == "" || len(tasks) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(r.file), 0o700); err != nil {
		return fmt.Errorf("record the result for --failed: %w", err)
	}
	lock := flock.New(filepath.Dir(r.file) + ".lock")
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("record the result for --failed: %w", err)
	}
	defer func() { _ = lock.Unlock() }()
	failed, _ := r.read() // a record that cannot be read is replaced
	for _, t := range tasks {
		failed = slices.DeleteFunc(failed, func(name string) bool { return name == t.Name })
		if t.Status != engine.Passed {
			failed = append(failed, t.Name)
		}
	}
	slices.Sort(failed)
	data, err := json.Marshal(recordJSON{recordSchema, failed})
	if err != nil {
		return fmt.Errorf("record the result: %w", err)
	}
	if err := replaceFile(r.file, data); err != nil {
		return fmt.Errorf("record the result for --failed: %w", err)
	}
	return nil
}

// replaceFile writes a file that only the user can read. Another reader sees the old content or the new one.
func replaceFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// runFailed is `run --failed`: it runs those of the tasks that had not passed when they last ran.
func (app App) runFailed(s settings, r record) (func(plan.Plan) (plan.Plan, error), error) {
	failed, err := r.read()
	paths, _ := s.paths() // run reports the error
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(paths) > 0:
		return nil, exitError{exitUsage, fmt.Errorf("--failed: no run of %s in this directory is recorded (first: %s)", inputs(paths), strings.Join(append([]string{"ktask run"}, s.args...), " "))}
	case errors.Is(err, fs.ErrNotExist):
		return everything, nil
	case err != nil:
		return nil, exitError{exitUsage, fmt.Errorf("--failed: %w", err)}
	}
	return func(p plan.Plan) (plan.Plan, error) {
		all := len(p.Tasks)
		p.Tasks = slices.DeleteFunc(slices.Clone(p.Tasks), func(t plan.Task) bool { return !slices.Contains(failed, t.Name) })
		switch {
		case len(p.Tasks) == 0 && len(failed) > 0:
			return p, exitError{exitUsage, fmt.Errorf("--failed: none of the tasks that failed is selected (they are %s)", shortened(failed))}
		case len(p.Tasks) == 0:
			_, _ = fmt.Fprintf(app.Err, "nothing to run again: no task of %d failed when it last ran\n", all)
			return p, exitError{exitOK, nil}
		}
		var names []string
		for _, t := range p.Tasks {
			names = append(names, t.Name)
		}
		_, _ = fmt.Fprintf(app.Err, "run again, of %s: %s\n", counted(all, "task"), shortened(names))
		return p, nil
	}, nil
}

// everything chooses all tasks of a plan.
func everything(p plan.Plan) (plan.Plan, error) { return p, nil }

// shortened returns names with commas, of many the first ones.
func shortened(names []string) string {
	const most = 10
	if more := len(names) - most; more > 1 {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}
