package local_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// TestWatcher changes files and looks at what is reported.
func TestWatcher(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, d := range []string{"tasks/deep", "tasks/.git", "tasks/node_modules", "other"} {
		if err := os.MkdirAll(in(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	set := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(in(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set("other/params.yaml", "a")
	w, err := local.NewWatcher(in("tasks"), in("other/params.yaml"), in("other/missing.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for name, test := range map[string]struct {
		change func()
		want   []string
	}{
		"a file in a directory":           {func() { set("tasks/deep/a.yaml", "1") }, []string{"tasks/deep/a.yaml"}},
		"a named file, and one beside it": {func() { set("other/beside.yaml", "1"); set("other/params.yaml", "b") }, []string{"other/params.yaml"}},
		"a file that was missing":         {func() { set("other/missing.yaml", "1") }, []string{"other/missing.yaml"}},
		"what nobody reads": {func() {
			set("tasks/.git/index", "1")
			set("tasks/node_modules/a.yaml", "1")
			set("tasks/b.yaml", "1")
		}, []string{"tasks/b.yaml"}},
		"a directory that is moved here": {func() {
			if err := os.Mkdir(in("made"), 0o755); err != nil {
				t.Error(err)
			}
			set("made/c.yaml", "1")
			if err := os.Rename(in("made"), in("tasks/moved")); err != nil {
				t.Error(err)
			}
		}, []string{"tasks/moved", "tasks/moved/c.yaml"}},
		"a file that is replaced": {func() {
			set("other/new", "c")
			if err := os.Rename(in("other/new"), in("other/params.yaml")); err != nil {
				t.Error(err)
			}
		}, []string{"other/params.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var got []string
			done := make(chan struct{})
			go func() {
				defer close(done)
				for _, name := range w.Next(ctx) {
					rel, _ := filepath.Rel(dir, name)
					got = append(got, filepath.ToSlash(rel))
				}
			}()
			test.change()
			<-done
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	t.Run("a new directory", func(t *testing.T) {
		if err := os.Mkdir(in("tasks/new"), 0o755); err != nil {
			t.Fatal(err)
		}
		if got := w.Next(t.Context()); !slices.Equal(got, []string{in("tasks/new")}) {
			t.Errorf("got %q", got)
		}
		set("tasks/new/a.yaml", "1")
		if got := w.Next(t.Context()); !slices.Equal(got, []string{in("tasks/new/a.yaml")}) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a directory that is moved away", func(t *testing.T) {
		if err := os.Rename(in("tasks/new"), in("away")); err != nil {
			t.Fatal(err)
		}
		if got := w.Next(t.Context()); !slices.Equal(got, []string{in("tasks/new") + string(filepath.Separator)}) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("the directory of a named file is moved away", func(t *testing.T) {
		if err := os.Rename(in("other"), in("another")); err != nil {
			t.Fatal(err)
		}
		if got := w.Next(t.Context()); !slices.Equal(got, []string{in("other") + string(filepath.Separator)}) {
			t.Errorf("got %q", got)
		}
	})
	for gone, made := range map[string]string{"made": "made", "moved": "spare"} { // and where it is made
		t.Run("the directory of a named file that was missing is "+gone, func(t *testing.T) {
			w, err := local.NewWatcher(in(gone + "/deep/params.txt"))
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if err := os.MkdirAll(in(made+"/deep"), 0o755); err != nil {
				t.Fatal(err)
			}
			set(made+"/deep/params.txt", "1")
			if made != gone {
				if err := os.Rename(in(made), in(gone)); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if got := w.Next(ctx); !slices.Equal(got, []string{in(gone + "/deep/params.txt")}) {
				t.Errorf("got %q", got)
			}
		})
	}
	t.Run("nothing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got := w.Next(ctx); got != nil {
			t.Errorf("got %q", got)
		}
	})
}

// TestSameTask changes each field of a task. Where it comes from makes no difference.
func TestSameTask(t *testing.T) {
	task := func() plan.Task {
		return plan.Task{
			Name: "a", Container: plan.Container{
				Env:     []plan.EnvVar{{Name: "S", Value: plan.Hidden(plan.NewSecret("db/password", "one")), Origin: plan.Origin{File: "a", Line: 1}}},
				Files:   []plan.File{{Path: "/a", Content: []byte("x"), Line: 7}},
				Origins: []plan.Part{{Name: "args", Origin: plan.Origin{Line: 1}}},
			},
		}
	}
	moved := task()
	moved.Origin.Line, moved.Container.Env[0].Origin.Line, moved.Container.Files[0].Line, moved.Container.Origins[0].Origin.Line = 9, 9, 9, 9
	if !local.SameTask(task(), moved) {
		t.Error("a task that has moved is another one")
	}
	for name, change := range map[string]func(*plan.Task){
		"a secret's value": func(t *plan.Task) { t.Container.Env[0].Value = plan.Hidden(plan.NewSecret("db/password", "two")) },
		"a file":           func(t *plan.Task) { t.Container.Files[0].Content = []byte("y") },
		"no arguments":     func(t *plan.Task) { t.Container.Args = []plan.Text{} },
		"a label":          func(t *plan.Task) { t.Labels = plan.Labels{{Key: "a", Value: "b"}} },
		"a pointer":        func(t *plan.Task) { yes := true; t.Container.AutomountToken = &yes },
		"a limit":          func(t *plan.Task) { t.Container.Limits.Pids = 1 },
		"a time":           func(t *plan.Task) { t.Timeout = time.Second },
	} {
		other := task()
		change(&other)
		if local.SameTask(task(), other) || local.SameTask(other, task()) || !local.SameTask(other, other) {
			t.Errorf("%s makes no difference", name)
		}
	}
	if reflect.DeepEqual(task(), moved) {
		t.Error("the test has moved nothing")
	}
}

// TestWatcherEnds: a change that was seen just before the context ends is not lost.
func TestWatcherEnds(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w, err := local.NewWatcher(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	file := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond) // less than a change takes to be reported
		got := w.Next(ctx)
		cancel()
		if slices.Equal(got, []string{file}) {
			return
		}
	}
	t.Error("the change is lost")
}
