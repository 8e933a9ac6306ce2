package export

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ktask/ktask/engine/plan"
)

// The types below are the part of the Compose Specification that is written, see https://github.com/compose-spec/compose-spec.

type composeFile struct {
	Services map[string]service         `json:"services"`
	Configs  map[string]config          `json:"configs,omitempty"`
	Networks map[string]map[string]bool `json:"networks,omitempty"`
}

type service struct {
	Image       string                       `json:"image"`
	PullPolicy  string                       `json:"pull_policy,omitempty"`
	Platform    string                       `json:"platform,omitempty"`
	Entrypoint  []string                     `json:"entrypoint,omitempty"`
	Command     []string                     `json:"command,omitempty"`
	Environment map[string]string            `json:"environment,omitempty"`
	WorkingDir  string                       `json:"working_dir,omitempty"`
	User        string                       `json:"user,omitempty"`
	NetworkMode string                       `json:"network_mode,omitempty"`
	Networks    []string                     `json:"networks,omitempty"`
	Configs     []configMount                `json:"configs,omitempty"`
	Tmpfs       []string                     `json:"tmpfs,omitempty"`
	Volumes     []volume                     `json:"volumes,omitempty"`
	MemLimit    int64                        `json:"mem_limit,omitempty"`
	MemSwap     int64                        `json:"memswap_limit,omitempty"`
	CPUs        string                       `json:"cpus,omitempty"`
	PidsLimit   int64                        `json:"pids_limit"`
	ReadOnly    bool                         `json:"read_only,omitempty"`
	Privileged  bool                         `json:"privileged,omitempty"`
	TTY         bool                         `json:"tty,omitempty"`
	CapAdd      []string                     `json:"cap_add,omitempty"`
	CapDrop     []string                     `json:"cap_drop,omitempty"`
	SecurityOpt []string                     `json:"security_opt,omitempty"`
	StopGrace   string                       `json:"stop_grace_period"`
	Restart     string                       `json:"restart,omitempty"`
	HealthCheck map[string]bool              `json:"healthcheck"`
	DependsOn   map[string]map[string]string `json:"depends_on,omitempty"`
}

type config struct {
	Content string `json:"content"`
}

type configMount struct {
	Source string `json:"source"`
	Target string `json:"target"`
	Mode   string `json:"mode"`
}

type volume struct {
	Type     string `json:"type"`
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"read_only,omitempty"`
}

// Compose returns a file for Docker Compose with a service for each task. A service of a stage starts when those of the stages
// before it have passed.
func Compose(p plan.Plan) ([]byte, error) {
	secrets, taken := newVariables(p), map[string]bool{}
	names := make([]string, len(p.Tasks))
	for i, t := range p.Tasks {
		names[i] = unique(strings.TrimLeft(only(t.Name, '-', "._-"), "._-"), "-", taken)
	}
	file := composeFile{Services: map[string]service{}, Configs: map[string]config{}, Networks: map[string]map[string]bool{}}
	head := comment("docker compose -f FILE up runs these tasks (scripts need Docker Compose 2.23.1 or later); timeouts are up to you") + secrets.needed()
	for i, t := range p.Tasks {
		if notes := differences(t.Container); notes != "" {
			head += title(p, t) + notes
		}
		s := serviceOf(t, secrets)
		if n := literal(network(t.Container)); n != "" && s.NetworkMode == "" {
			s.Networks, file.Networks[n] = []string{n}, map[string]bool{"external": true}
		}
		for j, f := range t.Container.Files {
			if !utf8.Valid(f.Content) {
				return nil, fmt.Errorf("task %q: the file %s is not text, which a file for Docker Compose cannot hold", t.Name, f.Path)
			}
			name := fmt.Sprintf("%s-file-%d", names[i], j+1)
			file.Configs[name] = config{literal(string(f.Content))}
			s.Configs = append(s.Configs, configMount{name, literal(f.Path), fmt.Sprintf("%04o", f.Mode.Perm())})
		}
		for _, earlier := range before(p, t.Stage) {
			if s.DependsOn == nil {
				s.DependsOn = map[string]map[string]string{}
			}
			s.DependsOn[names[earlier]] = map[string]string{"condition": "service_completed_successfully"}
		}
		file.Services[names[i]] = s
	}
	text, err := toYAML(file)
	return []byte(head + text), err
}

// serviceOf returns the service of a task without its files, and without what depends on other services.
func serviceOf(t plan.Task, secrets variables) service {
	c := t.Container
	text := func(t plan.Text) string { return t.Map(literal, secrets.expansion) }
	s := service{
		Image: literal(c.Image), PullPolicy: map[plan.PullPolicy]string{plan.PullAlways: "always", plan.PullNever: "never"}[c.PullPolicy],
		Platform: literal(c.Platform), Environment: map[string]string{}, WorkingDir: literal(c.WorkingDir), User: literal(c.User),
		MemLimit: c.Limits.MemoryBytes, MemSwap: c.Limits.MemoryBytes, CPUs: cpus(c.Limits), PidsLimit: pids(c.Limits),
		ReadOnly: c.Security.ReadOnlyRootfs, Privileged: c.Security.Privileged, TTY: c.TTY, CapAdd: literals(c.Security.CapAdd), CapDrop: literals(c.Security.CapDrop),
		SecurityOpt: securityOptions(c.Security), StopGrace: c.Grace.String(), HealthCheck: map[string]bool{"disable": true},
	}
	for _, word := range c.Command {
		s.Entrypoint = append(s.Entrypoint, text(word))
	}
	for _, word := range c.Args {
		s.Command = append(s.Command, text(word))
	}
	for _, e := range c.Env {
		s.Environment[e.Name] = text(e.Value)
	}
	for _, t := range c.Tmpfs {
		s.Tmpfs = append(s.Tmpfs, literal(t.Path+":"+tmpfsOptions(t)))
	}
	for _, m := range c.Mounts {
		s.Volumes = append(s.Volumes, volume{"bind", literal(m.Source), literal(m.Target), m.ReadOnly})
	}
	if slices.Contains([]string{"none", "host", "bridge"}, c.Network) && c.Compose == "" {
		s.NetworkMode = c.Network
	}
	if t.Retry.Limit > 0 {
		s.Restart = "on-failure:" + strconv.Itoa(t.Retry.Limit)
	}
	return s
}

// before returns the indices of the tasks that must have passed when a stage starts: those of the stages that it needs, and in place
// of a stage without tasks those of the ones that this needs.
func before(p plan.Plan, stage string) []int {
	var all []int
	seen := map[string]bool{}
	var add func(id string)
	add = func(id string) {
		s, _ := p.Stage(id)
		for _, need := range s.Needs {
			if seen[need] {
				continue
			}
			seen[need] = true
			found := false
			for i, t := range p.Tasks {
				if t.Stage == need {
					all, found = append(all, i), true
				}
			}
			if !found {
				add(need)
			}
		}
	}
	add(stage)
	return all
}

func literals(all []string) (texts []string) {
	for _, s := range all {
		texts = append(texts, literal(s))
	}
	return texts
}

// literal returns a text in which Docker Compose expands nothing.
func literal(s string) string { return strings.ReplaceAll(s, "$", "$$") }
