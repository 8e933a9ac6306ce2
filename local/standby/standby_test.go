package standby_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ktask/ktask/local/internal/guard"
	"github.com/ktask/ktask/local/standby"
)

// TestMain lets the test start itself, and then prints what is left to read. A dismissed guardian does not come so far.
func TestMain(m *testing.M) {
	if os.Getenv("KTASK_TEST_STANDBY") == "" {
		os.Exit(m.Run())
	}
	text, err := io.ReadAll(standby.In)
	fmt.Printf("%q, %v\n", text, err)
}

func TestStandby(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		args           []string
	}{
		{name: "dismissed", args: []string{guard.Command, "r1"}, in: "{}\n" + guard.Dismissed},
		{name: "killed", args: []string{guard.Command, "r1"}, in: "{}\n", want: `"{}\n", <nil>` + "\n"},
		{name: "killed at once", args: []string{guard.Command, "r1"}, want: `"", <nil>` + "\n"},
		{name: "warm", args: []string{guard.Command, "r1"}, in: "{}\nwarm {}\n", want: `"{}\nwarm {}\n", <nil>` + "\n"},
		{name: "part of a dismissal", args: []string{guard.Command, "r1"}, in: guard.Dismissed, want: `"done\n", <nil>` + "\n"},
		{name: "help", args: []string{guard.Command, "--help"}, in: "{}\n" + guard.Dismissed, want: `"{}\ndone\n", <nil>` + "\n"},
		{name: "another command", args: []string{"run", "-"}, in: "{}\n" + guard.Dismissed, want: `"{}\ndone\n", <nil>` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), program, c.args...)
			cmd.Env, cmd.Stdin = append(os.Environ(), "KTASK_TEST_STANDBY=1"), strings.NewReader(c.in)
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != c.want {
				t.Errorf("got %q, %v; want %q", out, err, c.want)
			}
		})
	}
}
