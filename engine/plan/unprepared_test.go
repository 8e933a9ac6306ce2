package plan_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/plan"
)

// searching returns a change to a command and the PATH in which it is looked up.
func searching(command, path string) func(*plan.Container) {
	return func(c *plan.Container) {
		c.Command, c.Env = plan.Texts([]string{command}), []plan.EnvVar{{Name: "PATH", Value: plan.Plain(path)}}
	}
}

func TestUnprepared(t *testing.T) {
	tests := map[string]struct {
		change func(*plan.Container)
		want   string
	}{
		"nothing":               {func(*plan.Container) {}, ""},
		"a terminal":            {func(c *plan.Container) { c.TTY = true }, "it has a terminal or a standard input"},
		"a standard input":      {func(c *plan.Container) { c.Stdin = true }, "it has a terminal or a standard input"},
		"a read-only root":      {func(c *plan.Container) { c.Security.ReadOnlyRootfs = true }, "its root file system is read-only"},
		"a mount":               {func(c *plan.Container) { c.Mounts = []plan.Mount{{Source: "/a", Target: "/b"}} }, "it mounts files of this machine"},
		"a relative PATH":       {searching("sh", "/bin:bin"), "its PATH has relative directories"},
		"an absolute PATH":      {searching("sh", "/bin:/usr/bin"), ""},
		"a path as command":     {searching("/bin/sh", "bin"), ""},
		"a platform":            {func(c *plan.Container) { c.Platform = "linux/arm64" }, "it asks for a platform"},
		"little memory":         {func(c *plan.Container) { c.Limits.MemoryBytes = 16<<20 - 1 }, "its memory limit is under 16Mi"},
		"enough memory":         {func(c *plan.Container) { c.Limits.MemoryBytes = 16 << 20 }, ""},
		"a volume":              {func(c *plan.Container) { c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/v"}} }, "for a first attempt: its volumes are created with it"},
		"an image of the world": {func(c *plan.Container) { c.PullPolicy = plan.PullAlways }, "for a first attempt: its image is pulled first"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var c plan.Container
			test.change(&c)
			p := plan.Plan{Tasks: []plan.Task{{Name: "a", Container: c}}}
			var explained, text bytes.Buffer
			if err := p.WriteText(&explained, plan.TextOptions{Explain: true, Width: 80}); err != nil {
				t.Fatal(err)
			}
			if err := p.WriteText(&text, plan.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			_, got, _ := strings.Cut(explained.String(), "not prepared")
			got, _, _ = strings.Cut(got, "\n")
			if got = strings.TrimSpace(got); got != test.want || strings.Contains(text.String(), "prepared") {
				t.Errorf("got %q, want %q, and without origins:\n%s", got, test.want, text.String())
			}
			if always := !strings.HasPrefix(test.want, "for"); always && c.Unprepared() != test.want {
				t.Errorf("a container: %q", c.Unprepared())
			}
		})
	}
}
