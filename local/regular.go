package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// MaxManifest is the size limit of a manifest, in bytes.
const MaxManifest = 256 << 20

// ErrIrregular is the error of a file that may have no end or may block.
var ErrIrregular = errors.New("not a regular file")

// ReadFile returns the content of a regular file of at most limit bytes, which may be given by a link. Its errors do not
// contain the name. The file is checked before it is opened, since opening a device may have effects, and again afterwards,
// since it may have been replaced.
func ReadFile(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, WithoutPath(err)
	}
	if err := regular(info); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDONLY|NonBlock, 0)
	if err != nil {
		return nil, WithoutPath(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, WithoutPath(err)
	}
	if err := regular(info); err != nil {
		return nil, err
	}
	if f.SetReadDeadline(time.Time{}) == nil { // some files of /proc are regular by name alone
		return nil, fmt.Errorf("%w but one that a reader waits for", ErrIrregular)
	}
	if info.Size() > limit {
		return nil, tooLarge(limit)
	}
	data, err := readAll(f, limit, info.Size())
	return data, WithoutPath(err)
}

// readAll reads at most limit bytes. size is the expected number.
func readAll(from io.Reader, limit, size int64) ([]byte, error) {
	var data bytes.Buffer
	data.Grow(int(size) + bytes.MinRead)
	_, err := data.ReadFrom(io.LimitReader(from, limit+1))
	if err == nil && int64(data.Len()) > limit {
		return nil, tooLarge(limit)
	}
	return data.Bytes(), err
}

func tooLarge(limit int64) error { return fmt.Errorf("over %d MiB, which is too large", limit>>20) }

// regular returns an error that names the kind of a file if it is not regular.
func regular(info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return fmt.Errorf("%w but %s", ErrIrregular, kindOfFile(info.Mode()))
}

func kindOfFile(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// WithoutPath returns the error of a file operation without the name of the file.
func WithoutPath(err error) error {
	if failure, ok := errors.AsType[*fs.PathError](err); ok {
		return failure.Err
	}
	return err
}
