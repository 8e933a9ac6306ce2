package docker

import (
	"encoding/binary"
	"fmt"
	"io"
)

// mostFrame is the size limit of one frame of a container's output, in bytes. Podman puts a whole line into a frame.
const mostFrame = 32 << 20

// frames passes on the frames of a container's output and rejects one that is larger than mostFrame: package stdcopy
// allocates as much as the frame's header announces.
type frames struct {
	from   io.Reader
	header []byte
	// left is the number of bytes of the frame that have not been read.
	left int
}

// Read reads bytes of the stream.
func (f *frames) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		if f.left > 0 {
			skip := min(f.left, len(rest))
			f.left, rest = f.left-skip, rest[skip:]
			continue
		}
		const size = 8 // the stream, three zeros, and the length
		take := min(size-len(f.header), len(rest))
		f.header, rest = append(f.header, rest[:take]...), rest[take:]
		if len(f.header) < size {
			continue
		}
		length := binary.BigEndian.Uint32(f.header[4:])
		if length > mostFrame {
			return 0, fmt.Errorf("the engine announces %d bytes of output in one frame, more than %d MiB", length, mostFrame>>20)
		}
		f.left, f.header = int(length), f.header[:0]
	}
	return n, err
}
