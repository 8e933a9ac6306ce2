package local_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// TestMain lets the test start itself as a guardian, and as a program that runs a task under one.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == local.GuardCommand:
		err := local.Guard(context.Background(), os.Stdin, sweeper, owner.Runs{})
		_ = os.WriteFile(os.Getenv("KTASK_TEST_SWEPT")+".ended", fmt.Append(nil, err), 0o600)
	case os.Getenv("KTASK_TEST_SWEPT") != "":
		if err := program(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

// sweeper returns an engine that writes what it sweeps to the file that stands for its host.
func sweeper(o local.EngineOptions) (engine.Engine, error) {
	return &cleanable{Fake: &enginetest.Fake{}, swept: o.ConfigDir}, nil
}

// program runs a task until its standard input ends. Its guardian and its engine have relative paths.
func program() error {
	if err := os.Chdir(filepath.Dir(os.Getenv("KTASK_TEST_SWEPT"))); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &cleanable{Fake: &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt {
		fmt.Println("started")
		go func() {
			_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
			cancel()
		}()
		return enginetest.Exits(0, enginetest.Forever)
	}}}
	o := local.Options{Engine: e, RunID: "r1", Guardian: "." + string(filepath.Separator) + "guardian"}
	o.EngineOptions.ConfigDir = filepath.Base(os.Getenv("KTASK_TEST_SWEPT"))
	result, err := local.Execute(ctx, plan.Plan{Tasks: []plan.Task{{Name: "a", Timeout: time.Hour}}}, o)
	for _, w := range result.Warnings {
		fmt.Println(w)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// TestGuardianOfAProgram kills a program in the middle of its run, and lets another one end.
func TestGuardianOfAProgram(t *testing.T) {
	for _, killed := range []bool{true, false} {
		t.Run(fmt.Sprintf("killed %v", killed), func(t *testing.T) {
			swept := filepath.Join(t.TempDir(), "swept")
			if err := os.Symlink(os.Args[0], filepath.Join(filepath.Dir(swept), "guardian")); err != nil {
				t.Fatal(err)
			}
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), "KTASK_TEST_SWEPT="+swept)
			in, err := child.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			if line, _ := bufio.NewReader(out).ReadString('\n'); line != "started\n" {
				t.Errorf("the program prints %q", line)
			}
			if killed {
				_ = child.Process.Kill()
			}
			_ = in.Close()
			_ = child.Wait()
			for limit := time.Now().Add(10 * time.Second); ; <-time.After(10 * time.Millisecond) {
				if ended, _ := os.ReadFile(swept + ".ended"); len(ended) > 0 {
					if run, _ := os.ReadFile(swept); string(ended) != "<nil>" || string(run) != map[bool]string{true: "r1"}[killed] {
						t.Errorf("the guardian sweeps run %q, error %s", run, ended)
					}
					return
				}
				if time.Now().After(limit) {
					t.Fatal("the guardian does not end")
				}
			}
		})
	}
}
