package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"unicode/utf8"

	"github.com/docker/docker/api/types/mount"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// messageBytes is what the kubelet takes from the end of a termination message.
const messageBytes = 4096

// messageFile is the file of the termination message within its volume.
const messageFile = "message"

// addMessage plans a volume for the termination message if the container has one: as in a pod the message is an
// empty file of its own, mounted at the path. So everybody may write to it, also if the root file system is
// read-only, and it outlives the process, also below /dev and in a volume.
func (r *request) addMessage(c plan.Container, labels engine.Labels) {
	if c.TerminationMessage.Path != "" {
		r.message = r.newVolume(nil, labels)
	}
}

// messageDirectory is where the porter has the volume.
const messageDirectory = "/ktask-message"

// layMessage makes the empty file and mounts it. Files get into a volume and out of it through a container, the porter:
// it mounts the volume of the message, nothing else, and is never started. The task has only the file, not
// the directory around it, so it can write to the file and put nothing in its place. The container of the task is no way
// to the message: a copy from it resolves the path among mounts whose content the task decides.
func (a *attempt) layMessage(ctx context.Context, mountpoint string) error {
	porter, err := a.newCompanion(a.request.name+messageEnding, messageDirectory, a.container, labelsOf(a.request.config.Labels))
	if err != nil {
		return err
	}
	porter.mount(a.request.message, messageDirectory, false)
	content, err := archive(nil, []plan.File{{Path: "/" + messageFile, Mode: 0o666}})
	if err != nil {
		return err
	}
	a.porter = porter
	if err := porter.create(ctx); err != nil {
		return err
	}
	if err := porter.fill(ctx, messageDirectory, content.Bytes()); err != nil {
		return err
	}
	a.request.host.Mounts = append(a.request.host.Mounts, mount.Mount{
		Type: mount.TypeBind, Source: path.Join(mountpoint, messageFile), Target: a.container.TerminationMessage.Path,
	})
	return nil
}

// lastWords is the container's termination message: what it left in the file, or the end of the output where it
// failed without and the policy says so.
func (a *attempt) lastWords(ctx context.Context, code int) (string, error) {
	content, err := a.readMessage(ctx)
	if err == nil && content == "" && code != 0 && a.container.TerminationMessage.FallbackToLogs {
		return a.output.tail(), nil
	}
	return content, err
}

// messageTries is how often an engine is asked for a message that it fails to return: podman's copier now and then ends
// without a word, and reading changes nothing.
const messageTries = 4

// readMessage reads the end of the message of the stopped container, masked before it is cut: half of a secret would
// not be found. If an engine cannot read it, the container has still ended as it has: as with the kubelet, the failure
// takes the message's place.
func (a *attempt) readMessage(ctx context.Context) (string, error) {
	if a.porter == nil {
		return "", nil
	}
	ctx = context.WithoutCancel(ctx)
	var end tailWriter
	what := fmt.Sprintf("read the termination message %q", a.container.TerminationMessage.Path)
	p := a.patience()
	for tries := 1; ; tries++ {
		err := a.call(ctx, what, func(ctx context.Context) error {
			archive, _, err := a.client.CopyFromContainer(ctx, a.porter.name, path.Join(messageDirectory, messageFile))
			if err != nil {
				return err
			}
			defer func() { _ = archive.Close() }()
			end = tailWriter{limit: messageBytes}
			masked := a.mask.Writer(&end)
			return errors.Join(copyFirstFile(masked, archive), masked.Close())
		})
		switch {
		case !hasReason(err, engine.EngineRefused):
			return end.String(), err
		case tries == messageTries || !p.wait(ctx):
			return err.Error(), nil
		}
	}
}

// copyFirstFile writes the content of the first regular file of an archive.
func copyFirstFile(w io.Writer, archive io.Reader) error {
	r := tar.NewReader(archive)
	for {
		header, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag == tar.TypeReg {
			_, err := io.Copy(w, r)
			return err
		}
	}
}

// tailWriter remembers the last bytes of what is written to it.
type tailWriter struct {
	limit int
	bytes []byte
	total int64
}

// Write never fails.
func (t *tailWriter) Write(p []byte) (int, error) {
	t.bytes = append(t.bytes, p[max(0, len(p)-t.limit):]...)
	if over := len(t.bytes) - t.limit; over > 0 {
		t.bytes = t.bytes[:copy(t.bytes, t.bytes[over:])]
	}
	t.total += int64(len(p))
	return len(p), nil
}

// String begins with a whole character.
func (t *tailWriter) String() string {
	b := t.bytes
	for t.total > int64(t.limit) && len(b) > 0 && !utf8.RuneStart(b[0]) {
		b = b[1:]
	}
	return string(b)
}
