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

// messageFile is the file of the termination message within its volume.
const messageFile = "message"

// addMessage adds a volume for the termination message if the container has one: as in a pod the message is an empty file of
// its own, mounted at the path. So every user can write to it, even if the root file system is read-only, and it outlives
// the process, even below /dev and in a volume.
func (r *request) addMessage(c plan.Container, labels engine.Labels) {
	if c.TerminationMessage.Path != "" {
		r.message = r.newVolume(nil, labels)
	}
}

// messageDirectory is where the porter mounts the volume.
const messageDirectory = "/ktask-message"

// layMessage creates the empty file and mounts it. Files are copied into a volume and out of it through a container, the
// porter, which mounts only the volume of the message and is never started. The task gets only the file, not its directory,
// so it can write to the file but cannot replace it. The message is not copied from the task's container: such a copy
// resolves the path among mounts whose content the task controls.
func (a *attempt) layMessage(ctx context.Context, mountpoint string) error {
	porter, err := a.engine.newCompanion(a.request.name+messageEnding, messageDirectory, a.container, labelsOf(a.request.config.Labels))
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

// messageTries is how often an engine is asked for a message that it fails to return: podman's copier occasionally ends
// without an error text, and reading changes nothing.
const messageTries = 4

// readMessage passes on the message of the stopped container. If the engine cannot read it, the exit of the container still
// counts: as with the kubelet, the failure takes the message's place.
func (a *attempt) readMessage(ctx context.Context) error {
	if a.porter == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	what := fmt.Sprintf("read the termination message %q", a.container.TerminationMessage.Path)
	var err error
	tries := 0
	retry(ctx, a.engine.reconnectWithin, func() (again bool) {
		tries++
		err = a.engine.do(ctx, what, a.repeatedly(), func(ctx context.Context) error {
			archive, _, err := a.engine.client.CopyFromContainer(ctx, a.porter.name, path.Join(messageDirectory, messageFile))
			if err != nil {
				return err
			}
			defer func() { _ = archive.Close() }()
			return a.out.Message(&firstFile{archive: tar.NewReader(archive)})
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

// firstFile reads the content of the first regular file of an archive, or an explanation if the file is too large.
type firstFile struct {
	archive *tar.Reader
	found   bool
	instead io.Reader
}

// Read reads bytes of the file.
func (f *firstFile) Read(p []byte) (int, error) {
	for !f.found {
		header, err := f.archive.Next()
		if err != nil {
			return 0, err
		}
		f.found = header.Typeflag == tar.TypeReg
		if f.found && header.Size > mostMessage {
			f.archive = nil
			f.instead = strings.NewReader(fmt.Sprintf("the file of the termination message has %d bytes: ktask reads it up to %d MiB", header.Size, mostMessage>>20))
		}
	}
	if f.instead != nil {
		return f.instead.Read(p)
	}
	return f.archive.Read(p)
}
