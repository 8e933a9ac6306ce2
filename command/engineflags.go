package command

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/engine"
)

// engineFlags returns the flags that select an engine.
func engineFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "engine", Usage: "the kind of engine: docker", DefaultText: "docker"},
		&cli.StringFlag{Name: "host", Usage: "the engine's `URL`, like DOCKER_HOST"},
		&cli.StringFlag{Name: "docker-context", Usage: "the docker context `NAME`, like DOCKER_CONTEXT"},
	}
}

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
func (s settings) engineOptions(app App) (EngineOptions, error) {
	name, err := s.choice("engine", "docker", "docker")
	if err != nil {
		return EngineOptions{}, err
	}
	o := EngineOptions{
		Name:           name,
		Host:           s.typed("host"),
		Context:        s.typed("docker-context"),
		DefaultHost:    cmp.Or(os.Getenv("DOCKER_HOST"), s.engineFrom("host")),
		DefaultContext: cmp.Or(os.Getenv("DOCKER_CONTEXT"), s.engineFrom("docker-context")),
		ConfigDir:      os.Getenv("DOCKER_CONFIG"),
		APIVersion:     os.Getenv("DOCKER_API_VERSION"),
		TLS:            os.Getenv("DOCKER_TLS") != "",
		TLSVerify:      os.Getenv("DOCKER_TLS_VERIFY") != "",
		CertPath:       os.Getenv("DOCKER_CERT_PATH"),
		UserAgent:      "ktask/" + app.Version,
		Notice:         app.notice,
	}
	if o.ConfigDir == "" {
		if home, err := os.UserHomeDir(); err == nil {
			o.ConfigDir = filepath.Join(home, ".docker")
		}
	}
	return o, nil
}

// closeEngine closes an engine that can be closed. A failure loses nothing and is ignored.
func closeEngine(e engine.Engine) {
	if c, ok := e.(io.Closer); ok {
		_ = c.Close()
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
