package docker_test

import (
	"flag"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/enginetest"
	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/integration/engines"
)

// features are rows of the table in engines.Table, each with what measures it.
var features = map[string]func(*testing.T, *docker.Engine) bool{
	"resources.limits.memory holds": func(t *testing.T, e *docker.Engine) bool { return outOfMemory(t, e).Code != 0 },
	"a kill for lack of memory is reported": func(t *testing.T, e *docker.Engine) bool {
		for range 3 { // podman tells some
			if !outOfMemory(t, e).OOMKilled {
				return false
			}
		}
		return true
	},
	"resources.limits.cpu holds": func(t *testing.T, e *docker.Engine) bool {
		c := shell("cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null; true")
		c.Limits.NanoCPUs = 5e8
		limit := output(t, e, c)
		return limit != "" && !strings.HasPrefix(limit, "-1") && !strings.HasPrefix(limit, "max")
	},
	"--pids-limit holds": func(t *testing.T, e *docker.Engine) bool {
		c := shell("for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait")
		c.Limits.Pids = 6
		_, heard := run(t, e, c)
		return len(heard.Lines("", engine.Stderr)) > 0
	},
	"size limit of a volume holds": func(t *testing.T, e *docker.Engine) bool {
		c := shell("dd if=/dev/zero of=/v/f bs=1M count=3")
		c.Tmpfs = []plan.Tmpfs{{Name: "v", Path: "/v", SizeBytes: 1 << 20}}
		exit, _ := run(t, e, c)
		return exit.Code != 0
	},
	"different subPaths of a volume": func(t *testing.T, e *docker.Engine) bool {
		c := shell("true")
		c.Tmpfs = partsOf("s")
		return e.Prepare(t.Context(), c, &enginetest.Recorder{}) == nil
	},
	"termination message": func(t *testing.T, e *docker.Engine) bool {
		exit, _ := run(t, e, shell("echo why >/dev/termination-log; exit 1"))
		return exit.Message == "why\n"
	},
	"--network none": func(t *testing.T, e *docker.Engine) bool {
		c := shell("ls /sys/class/net")
		c.Network = "none"
		return output(t, e, c) == "lo"
	},
	"runAsUser above 65535": func(t *testing.T, e *docker.Engine) bool {
		c := shell("id -u")
		c.User = "100000:100000"
		exit, err := engine.Attempt(t.Context(), e, c, labels(t, 1), &enginetest.Recorder{})
		return err == nil && exit.Code == 0
	},
}

// outOfMemory runs a container that needs more memory than it may have.
func outOfMemory(t *testing.T, e *docker.Engine) engine.Exit {
	t.Helper()
	c := shell("dd if=/dev/zero of=/dev/null bs=64M count=1")
	c.Limits.MemoryBytes = 16 << 20
	exit, _ := run(t, e, c)
	return exit
}

// TestMeasured measures the machine's engine, which may be another one than that of the table.
func TestMeasured(t *testing.T) {
	e := connect(t, docker.Options{})
	info, err := e.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	column := "Docker of today"
	if strings.HasPrefix(info.Version, "20.10.") {
		column = "Docker 20.10"
	}
	t.Run("measured", func(t *testing.T) { measures(t, docker.Options{}, column) })
}

// measures compares what tasks have on an engine with a column of the table, or with -update writes the column. The limits of a
// rootless engine are those of its machine, so they are compared only on one like that of the table, with cgroups v1.
func measures(t *testing.T, o docker.Options, column string) {
	e := connect(t, o)
	facts, err := e.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	update, measured := flag.Lookup("update").Value.String() == "true", map[string]string{}
	if facts.Rootless && !strings.HasPrefix(facts.Cgroup, "v1") && !update {
		return
	}
	for row, measure := range features {
		measured[row] = map[bool]string{true: "yes", false: "no"}[measure(t, e)]
	}
	if update { // each version of an engine has another one
		measured["API"] = facts.API
	}
	engines.CompareColumn(t, column, measured, update)
}
