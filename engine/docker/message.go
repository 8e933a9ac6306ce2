package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/mount"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// messageBytes is what the kubelet takes from the end of a termination message.
const messageBytes = 4096

// messageFile is the file of the termination message within its volume.
const messageFile = "message"

// addMessage plans a volume for the termination message, where the container has one: as in a pod the message is an
// empty file of its own, mounted at the path. So everybody may write to it, also where the root file system is
// read-only, and it outlives the process, also below /dev and in a volume.
func (r *request) addMessage(c plan.Container, labels engine.Labels) {
	if c.TerminationMessage.Path != "" {
		r.message = r.newVolume(nil, labels)
	}
}

// messageDirectory is where the porter has the volume.
const messageDirectory = "/ktask-message"

// byPorter does something with a container that mounts the volume of the message, and is never started: files get into
// a volume and out of it by way of a container.
func (a *attempt) byPorter(ctx context.Context, do func(context.Context, *companion) error) (err error) {
	labels := labelsOf(a.request.config.Labels)
	porter, err := a.newCompanion(a.request.name+"-message", messageDirectory, a.container, labels)
	if err != nil {
		return err
	}
	porter.mount(a.request.message, messageDirectory, false)
	defer func() { err = errors.Join(err, porter.remove(ctx)) }()
	if err := porter.create(ctx); err != nil {
		return err
	}
	return do(ctx, porter)
}

// layMessage makes the empty file and mounts it.
func (a *attempt) layMessage(ctx context.Context, mountpoints map[string]string) error {
	if a.request.message == "" {
		return nil
	}
	content, err := archive(nil, []plan.File{{Path: "/" + messageFile, Mode: 0o666}})
	if err != nil {
		return err
	}
	err = a.byPorter(context.WithoutCancel(ctx), func(ctx context.Context, porter *companion) error {
		return porter.fill(ctx, messageDirectory, content.Bytes())
	})
	if err != nil {
		return err
	}
	a.request.host.Mounts = append(a.request.host.Mounts, mount.Mount{
		Type: mount.TypeBind, Source: path.Join(mountpoints[a.request.message], messageFile), Target: a.container.TerminationMessage.Path,
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

// readMessage reads the end of the message of the stopped container, masked before it is cut: half of a secret would
// not be found.
func (a *attempt) readMessage(ctx context.Context) (string, error) {
	if a.request.message == "" {
		return "", nil
	}
	ctx = context.WithoutCancel(ctx)
	message, err := a.readMessageOf(ctx, a.id, a.container.TerminationMessage.Path)
	if mountedFile(err) {
		err = a.byPorter(ctx, func(ctx context.Context, porter *companion) (err error) {
			message, err = a.readMessageOf(ctx, porter.name, path.Join(messageDirectory, messageFile))
			return err
		})
	}
	if cerrdefs.IsNotFound(err) {
		return "", nil
	}
	return message, err
}

// mountedFile says whether the engine copies no file that is a mount of its own: podman looks for a directory there.
// Nothing but its text tells.
func mountedFile(err error) bool {
	return hasReason(err, engine.EngineRefused) && strings.Contains(err.Error(), "not a directory")
}

// messageTries is how often an engine is asked for a message that fails to give it: podman's copier now and then ends
// without a word, and reading changes nothing.
const messageTries = 4

// readMessageOf reads the message from a file of a container. That an engine cannot read it makes no other end of what
// has ended: as with the kubelet, the failure takes the message's place.
func (a *attempt) readMessageOf(ctx context.Context, container, file string) (string, error) {
	var end tailWriter
	what := fmt.Sprintf("read the termination message %q", a.container.TerminationMessage.Path)
	p := a.patience()
	for tries := 1; ; tries++ {
		err := a.call(ctx, what, func(ctx context.Context) error {
			archive, _, err := a.client.CopyFromContainer(ctx, container, file)
			if err != nil {
				return err
			}
			defer func() { _ = archive.Close() }()
			end = tailWriter{limit: messageBytes}
			masked := a.mask.Writer(&end)
			return errors.Join(copyFirstFile(masked, archive), masked.Close())
		})
		switch {
		case !hasReason(err, engine.EngineRefused) || cerrdefs.IsNotFound(err) || mountedFile(err):
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
