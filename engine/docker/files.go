package docker

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/ktask/ktask/engine/plan"
)

// archive packs files for the root of a container: owned by root, with their modes as they are, and in the given
// order. Directories above them are not in it: the engine makes those that are missing, for root and with mode 0755,
// and an entry would change those that the image has. The named directories are those of volumes; they get the mode
// of a pod's emptyDir.
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

// inRoot is an absolute path as the archive of a root directory has it.
func inRoot(absolute string) string { return strings.TrimPrefix(path.Clean(absolute), "/") }

// unixMode gives the bits of a mode where Unix has them.
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
