package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/registry"

	"github.com/ktask/ktask/engine"
)

// BuildImage builds an image with the engine's own builder, which needs no client beside it. What a failed step leaves is
// removed, and the end of ctx cancels the build.
func (e *Engine) BuildImage(ctx context.Context, b engine.ImageBuild) error {
	what := fmt.Sprintf("build image %q", b.Tag)
	content, err := packed(b.Context)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	auths, err := e.authsOf(b.Bases)
	if err != nil {
		return &engine.Error{Reason: engine.ImagePullFailed, Err: fmt.Errorf("%s: %w", what, err), Remedy: remedyOf(err, engine.Remedy{})}
	}
	if err := e.do(ctx, what, once, nil); err != nil {
		return err
	}
	args := map[string]*string{}
	for name, value := range b.Args {
		args[name] = &value
	}
	answer, err := e.client.ImageBuild(ctx, content, build.ImageBuildOptions{
		Tags: []string{b.Tag}, BuildArgs: args, AuthConfigs: auths, NetworkMode: b.Network, Platform: b.Platform,
		Remove: true, ForceRemove: true, Version: build.BuilderV1,
	})
	if err != nil {
		return e.explain(ctx, what, err)
	}
	log := &buildLog{out: b.Output, args: b.Args}
	err = errors.Join(log.follow(answer.Body), answer.Body.Close())
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, cutOff(err) && !isRegistrys(err):
		return e.explain(ctx, what, err)
	}
	return log.failure(what, err)
}

// packed returns a tar archive of the files of a build.
func packed(files fs.FS) (*bytes.Buffer, error) {
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	if err := w.AddFS(files); err != nil {
		return nil, err
	}
	return &content, w.Close()
}

// authsOf returns the user's credentials for the registries of images, by registry.
func (e *Engine) authsOf(images []string) (map[string]registry.AuthConfig, error) {
	all := map[string]registry.AuthConfig{}
	for _, image := range images {
		name, err := reference.ParseNormalizedNamed(image)
		if err != nil {
			return nil, invalidName(image, err)
		}
		credentials, err := e.stores.Credentials(name)
		if err != nil {
			return nil, err
		}
		if len(credentials) > 0 { // a build can have one for each registry
			all[credentials[0].Auth.ServerAddress] = credentials[0].Auth
		}
	}
	return all, nil
}

// buildLog writes the progress of a build in lines.
type buildLog struct {
	out  io.Writer
	args map[string]string
	// line is what has been received of the current line, step is the last line that begins a step.
	line, step string
}

// stepLine begins a step: "Step 2/9 : RUN apt-get update" in Docker, "STEP 2/9: RUN apt-get update" in podman.
var stepLine = regexp.MustCompile(`^(?:Step|STEP) (\d+/\d+) ?: (.*)`)

// nonZero ends what Docker and podman write of a command that failed. The step names the command already.
var nonZero = regexp.MustCompile(`(?:returned a non-zero code:|while running runtime: exit status) (\d+)\s*$`)

// colour begins and ends what a command writes to its standard error.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

// mostStep is how much of a step an error shows, in bytes.
const mostStep = 80

// follow reads the messages of a build to their end.
func (l *buildLog) follow(answer io.Reader) error {
	limited := &io.LimitedReader{R: answer}
	for messages := json.NewDecoder(limited); ; {
		var m struct {
			message
			Stream string
		}
		limited.N = mostAnswered
		if err := messages.Decode(&m); err == io.EOF {
			return l.write("\n")
		} else if err != nil {
			return err
		}
		if err := m.failure(); err != nil {
			return errors.Join(err, l.write("\n"))
		}
		if m.Status != "" && m.ProgressDetail.Total == 0 {
			m.Stream = strings.TrimPrefix(m.ID+": "+m.Status+"\n", ": ")
		}
		if err := l.write(m.Stream); err != nil {
			return err
		}
	}
}

// write writes the lines that are complete and not blank.
func (l *buildLog) write(text string) error {
	for piece := range strings.Lines(text) {
		l.line += piece
		if !strings.HasSuffix(piece, "\n") {
			continue
		}
		line := strings.TrimRight(colour.ReplaceAllString(l.line, ""), "\r\n ")
		l.line = ""
		if found := stepLine.FindStringSubmatch(line); found != nil {
			l.step = fmt.Sprintf("step %s (%s)", found[1], l.shortened(found[2]))
		}
		if line == "" {
			continue
		}
		if _, err := fmt.Fprintln(l.out, line); err != nil {
			return err
		}
	}
	return nil
}

// shortened returns a step on one line, with the images that FROM names.
func (l *buildLog) shortened(step string) string {
	if strings.HasPrefix(step, "FROM ") {
		step = os.Expand(step, func(name string) string { return l.args[name] })
	}
	step = strings.Join(strings.Fields(step), " ")
	if len(step) > mostStep {
		step = strings.ToValidUTF8(step[:mostStep], "") + " …"
	}
	return step
}

// failure returns the error of a build with the step that failed.
func (l *buildLog) failure(what string, err error) error {
	at := ""
	if l.step != "" {
		at = ": " + l.step
	}
	if found := nonZero.FindStringSubmatch(err.Error()); found != nil {
		err = fmt.Errorf("exit code %s", found[1])
	}
	failure := &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf("%s%s: %w", what, at, err), Remedy: engine.Remedy{Option: engine.OptionBuild}}
	if strings.Contains(l.step, "(FROM ") || l.step == "" {
		failure.Reason, failure.Remedy = engine.ImagePullFailed, engine.Remedy{Option: engine.OptionBase}
	}
	return failure
}
