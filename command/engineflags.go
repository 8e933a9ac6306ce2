package command

import (
	"cmp"
	"fmt"
	"os"

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

// engineOptions returns the engine that the flags, the file and the variables of the docker command select.
func (s settings) engineOptions(app App) (local.EngineOptions, error) {
	name, err := s.choice("engine", "docker", "docker")
	o := local.FromEnv().EngineOptions
	o.Name, o.Host, o.Context = name, s.typed("host"), s.typed("docker-context")
	o.DefaultHost = cmp.Or(o.DefaultHost, s.engineFrom("host"))
	o.DefaultContext = cmp.Or(o.DefaultContext, s.engineFrom("docker-context"))
	o.UserAgent, o.Notice = "ktask/"+app.Version, app.notice
	return o, err
}

// notice prints what ktask waits for. On a terminal the current line may belong to a live report.
func (app App) notice(text string) {
	begin := ""
	if app.ErrTerminal {
		begin = "\n"
	}
	_, _ = fmt.Fprintf(app.Err, "%sktask: %s\n", begin, text)
}
