package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

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
