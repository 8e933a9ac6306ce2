package command

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/local"
)

// engineFrom returns the value of --host or --docker-context in the file. It counts only if neither flag and neither of
// Docker's variables names an engine.
func (s settings) engineFrom(key string) string {
	if s.engineNamed() {
		return ""
	}
	v, _ := s.one(key)
	return v.text
}

// engineNamed reports whether the command line or the environment says which engine is meant.
func (s settings) engineNamed() bool {
	_, host := s.flags["host"]
	_, named := s.flags["docker-context"]
	return host || named || os.Getenv("DOCKER_HOST") != "" || os.Getenv("DOCKER_CONTEXT") != ""
}

// typed returns the value of a flag on the command line, or "".
func (s settings) typed(name string) string {
	return settings{flags: s.flags}.text(name, "")
}

// engineName returns the kind of engine.
func (s settings) engineName() (string, error) {
	return s.choice("engine", "docker", "docker", "kubernetes")
}

// engineOptions returns the engine that the flags, the file and the variables of the docker command select.
func (s settings) engineOptions(app App) (local.EngineOptions, error) {
	name, err := s.engineName()
	if err == nil && name == "kubernetes" {
		err = s.onCluster()
	}
	o := local.FromEnv().EngineOptions
	o.Name, o.Host, o.Context = name, s.typed("host"), s.typed("docker-context")
	o.DefaultHost = cmp.Or(o.DefaultHost, s.engineFrom("host"))
	o.DefaultContext = cmp.Or(o.DefaultContext, s.engineFrom("docker-context"))
	o.Cluster.Context, o.Cluster.Namespace = s.text("kube-context", ""), s.text("kube-namespace", "")
	if file := s.text("kubeconfig", ""); file != "" {
		o.Cluster.Kubeconfigs = []string{file}
	}
	o.UserAgent, o.Notice = "ktask/"+app.Version, app.notice
	return o, err
}

// imageEngine returns the engine of a command for images.
func (s settings) imageEngine(app App) (local.EngineOptions, error) {
	o, err := s.engineOptions(app)
	if err == nil && o.Name == "kubernetes" {
		err = usagef("ktask images is for an engine on this machine: the nodes of a cluster pull their images themselves")
	}
	return o, err
}

// onCluster returns the error of a setting that a cluster cannot carry out, or that is for Docker alone.
func (s settings) onCluster() error {
	if s.command == "shell" {
		return usagef("ktask shell is for an engine on this machine (`kubectl debug` starts a shell in a pod)")
	}
	refused := []struct{ flag, because, remedy string }{
		{"mount", "this machine's files are not on a cluster's nodes", "put what the task needs into its image or its manifest"},
		{"network", "networks of Docker are not on a cluster", "leave it out: a pod reaches the cluster's services"},
		{"compose", "a project of Docker Compose is not on a cluster", "deploy what the task needs on the cluster"},
		{"platform", "the cluster's nodes have theirs", "leave it out"},
		{"pids-limit", "the nodes' kubelet limits processes", "leave it out"},
		{"keep", "the cluster removes what has ended", "use --log-dir for the output of each attempt"},
		{"warm", "a cluster prepares no containers", "leave it out"},
		{"host", "it names a Docker engine", "use --kubeconfig and --kube-context"},
		{"docker-context", "it names a Docker engine", "use --kubeconfig and --kube-context"},
	}
	for _, r := range refused {
		all := s.all(r.flag)
		if len(all) == 0 || !s.has(r.flag) {
			continue
		}
		v := all[len(all)-1]
		switch {
		case v.text == "" || r.flag == "keep" && v.text == "never" || r.flag == "warm" && v.text == "0":
		case !v.typed && r.because == "it names a Docker engine": // the file serves both engines
		default:
			return v.error("%s: not with --engine kubernetes: %s (%s)", v.said, r.because, r.remedy)
		}
	}
	return nil
}

// hostNames are names of the engine's machine that Docker and podman give a container.
var hostNames = []string{"host.docker.internal", "host.containers.internal"}

// noteHostNames prints which task names this machine as no cluster does.
func (app App) noteHostNames(s settings, p plan.Plan) {
	if s.text("engine", "docker") != "kubernetes" || s.yes("quiet") {
		return
	}
	for _, t := range p.Tasks {
		c := t.Container
		texts := slices.Concat(c.Command, c.Args)
		for _, e := range c.Env {
			texts = append(texts, e.Value)
		}
		for _, f := range c.Files {
			texts = append(texts, plan.Plain(string(f.Content)))
		}
		for _, name := range hostNames {
			if slices.ContainsFunc(texts, func(text plan.Text) bool { return strings.Contains(text.String(), name) }) {
				_, _ = fmt.Fprintf(app.Err, "note: task %s names %s, which a cluster does not know\n", t.Name, name)
				return
			}
		}
	}
}

// notice prints what ktask waits for. On a terminal the current line may belong to a live report.
func (app App) notice(text string) {
	begin := ""
	if app.ErrTerminal {
		begin = "\n"
	}
	_, _ = fmt.Fprintf(app.Err, "%sktask: %s\n", begin, text)
}
