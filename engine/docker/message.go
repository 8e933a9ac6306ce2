package docker

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/docker/docker/api/types/mount"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// messageName is the name of the file of the termination message, in its volume or directory.
const messageName = "message"

// defaultMessage is the path of the termination message of every container in a pod that does not set another.
const defaultMessage = "/dev/termination-log"

// messagePath returns the path of the termination message, or "" if something else is mounted where the default is.
func messagePath(c plan.Container) string {
	if c.TerminationMessage.Path != "" {
		return c.TerminationMessage.Path
	}
	for _, m := range c.Mounts {
		if within(path.Clean(m.Target), defaultMessage) {
			return ""
		}
	}
	for _, m := range c.Tmpfs {
		if within(path.Clean(m.Path), defaultMessage) {
			return ""
		}
	}
	return defaultMessage
}

// addMessage adds the file of this machine or a volume for the termination message. As in a pod the message is an empty file
// of its own, mounted at the path. So every user can write to it, even if the root file system is read-only, and it outlives
// the process, even below /dev and in a volume.
func (r *request) addMessage(c plan.Container, labels engine.Labels, file string) {
	switch target := messagePath(c); {
	case file != "":
		r.mountMessage(file, target)
	case target != "":
		r.message = r.newVolume(nil, labels)
	}
}

func (r *request) mountMessage(file, target string) {
	r.host.Mounts = append(r.host.Mounts, mount.Mount{Type: mount.TypeBind, Source: file, Target: target})
}

// messageDirectory is where the porter mounts the volume.
const messageDirectory = "/ktask-message"

// layMessage creates the empty file and mounts it. The task gets only the file, not its directory, so it can write to the
// file but cannot replace it.
//
// If the volume is not on this machine, the file is copied into it and out of it through a container, the porter, which
// mounts only this volume and is never started. The message is not copied from the task's container: such a copy resolves
// the path among mounts whose content the task controls.
func (a *attempt) layMessage(ctx context.Context, mountpoint string) error {
	file := path.Join(mountpoint, messageName)
	if a.engine.messages.Load() != messagesInCompanions {
		if a.messageFile = createMessageIn(a.request.message, mountpoint); a.messageFile != nil {
			a.request.mountMessage(file, messagePath(a.container))
			return nil
		}
	}
	porter, err := a.engine.newCompanion(a.request.name+messageEnding, messageDirectory, a.container, labelsOf(a.request.config.Labels))
	if err != nil {
		return err
	}
	porter.mount(a.request.message, messageDirectory, false)
	content, err := archive(nil, []plan.File{{Path: "/" + messageName, Mode: 0o666}})
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
	a.request.mountMessage(file, messagePath(a.container))
	return nil
}

// messageTries is how often an engine is asked for a message that it fails to return: podman's copier occasionally ends
// without an error text, and reading changes nothing.
const messageTries = 4

// readMessage passes on the message of the stopped container. If the engine cannot read it, the exit of the container still
// counts: as with the kubelet, the failure takes the message's place.
func (a *attempt) readMessage(ctx context.Context) error {
	what := fmt.Sprintf("read the termination message %q", messagePath(a.container))
	switch {
	case a.messageFile != nil:
		if err := a.messageFile.read(a.out.Message); err != nil {
			return a.out.Message(strings.NewReader(what + ": " + err.Error()))
		}
		return nil
	case a.porter == nil:
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var err error
	tries := 0
	retry(ctx, a.engine.reconnectWithin, func() (again bool) {
		tries++
		err = a.engine.do(ctx, what, a.repeatedly(), func(ctx context.Context) error {
			return a.porter.read(ctx, path.Join(messageDirectory, messageName), a.out.Message)
		})
		return hasReason(err, engine.EngineRefused) && tries < messageTries
	})
	if hasReason(err, engine.EngineRefused) {
		return a.out.Message(strings.NewReader(err.Error()))
	}
	return err
}

// mostMessage is the largest file whose end is read as the termination message: a task can create a file of any size at no
// cost, and an engine sends it from the beginning.
const mostMessage = 16 << 20

// tooLarge returns an explanation in place of a message.
func tooLarge(size int64) io.Reader {
	return strings.NewReader(fmt.Sprintf("the file of the termination message has %d bytes: ktask reads it up to %d MiB", size, mostMessage>>20))
}

// read passes the content of a regular file of the companion to take. An engine reports the size of a file in a fraction of
// the time that it takes to send the file, and most messages are empty.
func (c *companion) read(ctx context.Context, file string, take func(io.Reader) error) error {
	found, err := c.engine.client.ContainerStatPath(ctx, c.name, file)
	switch {
	case err != nil:
		return err
	case found.Size == 0:
		return take(strings.NewReader(""))
	case found.Size > mostMessage:
		return take(tooLarge(found.Size))
	}
	content, _, err := c.engine.client.CopyFromContainer(ctx, c.name, file)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	return take(&firstFile{archive: tar.NewReader(content)})
}

// firstFile reads the content of the first regular file of an archive.
type firstFile struct {
	archive *tar.Reader
	found   bool
}

// Read reads bytes of the file.
func (f *firstFile) Read(p []byte) (int, error) {
	for !f.found {
		header, err := f.archive.Next()
		if err != nil {
			return 0, err
		}
		f.found = header.Typeflag == tar.TypeReg
	}
	return f.archive.Read(p)
}
