package docker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// frame returns a frame of a container's output.
func frame(stream byte, content string) []byte {
	header := []byte{stream, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(header[4:], uint32(len(content)))
	return append(header, content...)
}

func TestFrames(t *testing.T) {
	stream := slices.Concat(frame(1, "hello"), frame(2, ""), frame(1, strings.Repeat("x", 100_000)), frame(2, "world"))
	for name, from := range map[string]io.Reader{
		"at once": bytes.NewReader(stream), "in bytes": iotest.OneByteReader(bytes.NewReader(stream)), "in halves": iotest.HalfReader(bytes.NewReader(stream)),
	} {
		if got, err := io.ReadAll(&frames{from: from}); err != nil || !bytes.Equal(got, stream) {
			t.Errorf("%s: %d bytes, error %v", name, len(got), err)
		}
	}
	lie := append(frame(1, "hello"), 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)
	for name, from := range map[string]io.Reader{"at once": bytes.NewReader(lie), "in bytes": iotest.OneByteReader(bytes.NewReader(lie))} {
		if _, err := io.ReadAll(&frames{from: from}); err == nil || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "4294967295 bytes") {
			t.Errorf("a frame of 4 GiB, %s: error %v", name, err)
		}
	}
}
