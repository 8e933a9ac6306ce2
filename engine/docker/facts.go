package docker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/versions"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker/endpoint"
)

// Facts describe an engine and its machine.
type Facts struct {
	engine.Info
	// API is the version of the API that is used with it.
	API string `json:"api"`
	// OS and Architecture are those of its machine, System is the name and version of its operating system.
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	System       string `json:"system"`
	Rootless     bool   `json:"rootless"`
	// HostGateway reports whether ExtraHosts with the address host-gateway lead to the engine's machine. In rootless engines,
	// apart from current versions of podman, the gateway belongs to a network that is theirs alone.
	HostGateway bool `json:"-"`
	// Cgroup is the version of cgroups and what manages them, Storage where images and containers are kept.
	Cgroup  string `json:"cgroup"`
	Storage string `json:"storage"`
	// CPUs and MemoryBytes are those of its machine.
	CPUs        int   `json:"cpus"`
	MemoryBytes int64 `json:"memoryBytes"`
	// ClockAheadMs is by how many milliseconds its clock is ahead of this machine's, as far as an answer shows it.
	ClockAheadMs int64 `json:"clockAheadMs"`
	// Lacks are the features that tasks may miss.
	Lacks []Lack `json:"degraded"`
}

// Lack is a feature that an engine does not have.
type Lack struct {
	Feature string `json:"feature"`
	Effect  string `json:"effect"`
	Remedy  string `json:"remedy"`
}

// Facts returns what the engine reports about itself.
func (e *Engine) Facts(ctx context.Context) (Facts, error) {
	info, err := e.Describe(ctx)
	if err != nil {
		return Facts{}, err
	}
	f := Facts{Info: info, API: e.client.ClientVersion()}
	err = e.do(ctx, "ask the engine for its features", once, func(ctx context.Context) error {
		asked := time.Now()
		found, err := e.client.Info(ctx)
		if err != nil {
			return err
		}
		f.ClockAheadMs = ahead(found.SystemTime, asked, time.Now()).Milliseconds()
		f.Rootless = slices.ContainsFunc(found.SecurityOptions, func(option string) bool { return strings.Contains(option, "rootless") })
		if f.Name == "podman" && !f.Rootless {
			f.Rootless, err = e.rootlessPodman(ctx)
		}
		f.add(found)
		return err
	})
	return f, err
}

// ahead returns by how much a clock is ahead that was read between two times of this machine.
func ahead(clock string, from, to time.Time) time.Duration {
	at, err := time.Parse(time.RFC3339Nano, clock)
	switch {
	case err != nil: // some engines leave it out
		return 0
	case at.Before(from):
		return at.Sub(from)
	case at.After(to):
		return at.Sub(to)
	}
	return 0
}

// add adds what the engine reports.
func (f *Facts) add(found system.Info) {
	f.OS, f.Architecture, f.System = found.OSType, found.Architecture, found.OperatingSystem
	f.HostGateway = !f.Rootless || f.Name == "podman" && versions.GreaterThanOrEqualTo(f.Version, gatewayPodman)
	f.Cgroup = fmt.Sprintf("v%s (%s)", cmp.Or(found.CgroupVersion, "1"), found.CgroupDriver)
	f.Storage = found.Driver
	f.CPUs, f.MemoryBytes = found.NCPU, found.MemTotal
	const delegate = "use cgroups v2, and delegate the controllers memory, pids and cpu to the engine's user"
	f.Lacks = []Lack{}
	for _, l := range []struct {
		lacks bool
		Lack
	}{
		{!found.MemoryLimit, Lack{"memory limit", "resources.limits.memory has no effect", delegate}},
		{!found.CPUCfsQuota, Lack{"cpu limit", "resources.limits.cpu has no effect", delegate}},
		{!found.PidsLimit, Lack{"pids limit", "a fork bomb of a task does not end with the task", delegate}},
		{versions.LessThan(f.API, subpathAPI), Lack{"subPath", "different subPaths of a volume are refused", "use Docker 26 or later"}},
		{f.Name == "podman", Lack{"out of memory", "a task that is killed for lack of memory may fail with SIGKILL and without that reason", "see resources.limits.memory if a task fails with SIGKILL"}},
	} {
		if l.lacks {
			f.Lacks = append(f.Lacks, l.Lack)
		}
	}
}

// CredentialSource is a place from which credentials for registries come.
type CredentialSource = endpoint.CredentialSource

// CredentialSources returns where the credentials for registries come from, without the credentials.
func (o Options) CredentialSources() ([]CredentialSource, error) {
	all, err := endpoint.Stores{Variable: o.AuthConfig, ConfigDir: o.ConfigDir}.Sources()
	if err != nil {
		return nil, &engine.Error{Reason: engine.ImagePullFailed, Err: err, Remedy: remedyOf(err, engine.Remedy{})}
	}
	return all, nil
}
