package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// mostBound is how many files are mounted: each is a mount of its own.
const mostBound = 16

// bindFiles lets the container mount its files from the directory of its message file, read-only, as the files of a ConfigMap
// are in a pod. That saves a request, for which engines before Docker 23 start a process. It reports whether it has done that;
// else the files are to be copied.
func (a *attempt) bindFiles() bool {
	files := a.container.Files
	if a.copies || a.messageFile == nil || a.messageFile.directory == "" || len(files) > mostBound || !allBindable(a.container) {
		return false
	}
	var binds []mount.Mount
	for i, f := range files {
		source := path.Join(a.messageFile.directory, strconv.Itoa(i))
		if err := writeFile(source, f); err != nil {
			return false
		}
		binds = append(binds, mount.Mount{Type: mount.TypeBind, Source: source, Target: "/" + inRoot(f.Path), ReadOnly: true})
	}
	a.request.host.Mounts = append(a.request.host.Mounts, binds...)
	return true
}

// allBindable reports whether each file is the same mounted as copied, apart from its owner, who is this user and not root, and that
// it is read-only.
func allBindable(c plan.Container) bool {
	paths := map[string]bool{}
	for _, f := range c.Files {
		hidden := f.Mode&0o004 == 0      // from all but its owner, which is another user in a mount
		executable := f.Mode&^0o666 != 0 // the directory of message files may be mounted without programs
		if hidden || executable || !isInRoot(c, f) || decidesUser(f) || paths[inRoot(f.Path)] {
			return false
		}
		paths[inRoot(f.Path)] = true
	}
	return true
}

// writeFile creates a file with its mode and the time 0, as archive does.
func writeFile(name string, f plan.File) error {
	if err := os.WriteFile(name, f.Content, 0o600); err != nil {
		return err
	}
	return errors.Join(os.Chmod(name, f.Mode), os.Chtimes(name, time.Unix(0, 0), time.Unix(0, 0)))
}

// isInRoot reports whether the file is in the container's root file system, and not in what is mounted there.
func isInRoot(c plan.Container, f plan.File) bool {
	mounts := []string{"/dev", "/proc", "/sys"}
	for _, m := range c.Tmpfs {
		mounts = append(mounts, m.Path)
	}
	for _, m := range c.Mounts {
		mounts = append(mounts, m.Target)
	}
	if message := messagePath(c); message != "" {
		mounts = append(mounts, message)
	}
	return !slices.ContainsFunc(mounts, func(dir string) bool { return within(path.Clean(dir), "/"+inRoot(f.Path)) })
}

// fill copies files into the container.
func (a *attempt) fill(ctx context.Context, files []plan.File) error {
	if len(files) == 0 {
		return nil
	}
	if a.container.Security.ReadOnlyRootfs {
		return &engine.Error{
			Reason: engine.EngineRefused,
			Err:    errors.New("copy files into the container: Docker cannot write to a container whose root file system is read-only"),
			Remedy: engine.Remedy{Text: "leave readOnlyRootFilesystem out"},
		}
	}
	content, err := archive(nil, files)
	if err != nil {
		return &engine.Error{Reason: engine.EngineRefused, Err: err}
	}
	return a.engine.do(ctx, "copy files into the container", a.repeatedly(), func(ctx context.Context) error {
		return a.engine.client.CopyToContainer(ctx, a.id, "/", bytes.NewReader(content.Bytes()), container.CopyToContainerOptions{})
	})
}

// archive packs files for the root of a container: owned by root, with their modes, in the given order. It has no entries
// for the directories above them: the engine creates missing ones with mode 0755, and an entry would change those of the
// image. The directories are those of volumes and get the mode of a pod's emptyDir.
func archive(directories []string, files []plan.File) (*bytes.Buffer, error) {
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for _, path := range directories {
		header := &tar.Header{Typeflag: tar.TypeDir, Name: inRoot(path) + "/", Mode: 0o1777, ModTime: time.Unix(0, 0)}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("pack directory %q: %w", path, err)
		}
	}
	for _, file := range files {
		header := &tar.Header{
			Typeflag: tar.TypeReg,
			Name:     inRoot(file.Path),
			Mode:     unixMode(file.Mode),
			Size:     int64(len(file.Content)),
			ModTime:  time.Unix(0, 0),
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("pack file %q: %w", file.Path, err)
		}
		if _, err := w.Write(file.Content); err != nil {
			return nil, fmt.Errorf("pack file %q: %w", file.Path, err)
		}
	}
	return &content, w.Close()
}

// inRoot returns an absolute path as an archive of the root directory names it.
func inRoot(absolute string) string { return strings.TrimPrefix(path.Clean(absolute), "/") }

// unixMode returns the Unix bits of a mode.
func unixMode(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	for _, special := range []struct {
		mode fs.FileMode
		bit  int64
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if mode&special.mode != 0 {
			bits |= special.bit
		}
	}
	return bits
}
