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

// program runs a task until its standard input ends, or abandons it at once. Its guardian and its engine have relative paths.
func program() error {
	if err := os.Chdir(filepath.Dir(os.Getenv("KTASK_TEST_SWEPT"))); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	abandon := make(chan struct{})
	e := &cleanable{Fake: &enginetest.Fake{Play: func(plan.Container, engine.Labels) enginetest.Attempt {
		fmt.Println("started")
		if os.Getenv("KTASK_TEST_ENDS") == "abandoned" {
			close(abandon)
		}
		go func() {
			_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
			cancel()
		}()
		return enginetest.Exits(0, enginetest.Forever)
	}}}
	o := local.Options{Engine: e, RunID: "r1", Abandon: abandon, Guardian: "." + string(filepath.Separator) + "guardian"}
	o.EngineOptions.ConfigDir = filepath.Base(os.Getenv("KTASK_TEST_SWEPT"))
	result, _ := local.Execute(ctx, plan.Plan{Tasks: []plan.Task{{Name: "a", Timeout: time.Hour}}}, o)
	for _, w := range result.Warnings {
		fmt.Println(w)
	}
	<-ctx.Done()
	return nil
}

// TestGuardianOfAProgram kills a program in the middle of its run, lets another one end, and has a third one that abandons its
// run and goes on.
func TestGuardianOfAProgram(t *testing.T) {
	for ends, sweeps := range map[string]string{"killed": "r1", "over": "", "abandoned": "r1"} {
		t.Run(ends, func(t *testing.T) {
			swept := filepath.Join(t.TempDir(), "swept")
			if err := os.Symlink(os.Args[0], filepath.Join(filepath.Dir(swept), "guardian")); err != nil {
				t.Fatal(err)
			}
			child := exec.Command(os.Args[0])
			child.Env = append(os.Environ(), "KTASK_TEST_SWEPT="+swept, "KTASK_TEST_ENDS="+ends)
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
			switch ends {
			case "killed":
				_ = child.Process.Kill()
			case "over":
				_ = in.Close()
			}
			defer func() { _, _ = in.Close(), child.Wait() }()
			for limit := time.Now().Add(10 * time.Second); ; <-time.After(10 * time.Millisecond) {
				if ended, _ := os.ReadFile(swept + ".ended"); len(ended) > 0 {
					if run, _ := os.ReadFile(swept); string(ended) != "<nil>" || string(run) != sweeps {
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
