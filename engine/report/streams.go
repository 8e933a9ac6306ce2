package report

import (
	"bufio"
	"io"
)

// streams buffers two writers that may be the same terminal. It flushes one before it writes to the other, so that the
// order stays.
type streams struct {
	writers [2]*bufio.Writer
	current int
	// before is called before something is written; it may be nil.
	before func()
}

func newStreams(out, diag io.Writer) streams {
	return streams{writers: [2]*bufio.Writer{bufio.NewWriterSize(out, 32<<10), bufio.NewWriterSize(diag, 32<<10)}}
}

func (s *streams) out() *bufio.Writer  { return s.use(0) }
func (s *streams) diag() *bufio.Writer { return s.use(1) }

func (s *streams) use(n int) *bufio.Writer {
	if s.before != nil {
		s.before()
	}
	if n != s.current {
		_ = s.writers[s.current].Flush()
		s.current = n
	}
	return s.writers[n]
}

// flush flushes both writers. A bufio.Writer keeps its first error for err.
func (s *streams) flush() {
	for _, w := range s.writers {
		_ = w.Flush()
	}
}

func (s *streams) err() error {
	for _, w := range s.writers {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}
