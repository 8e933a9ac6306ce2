package docker

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
)

// mostMark is the size limit of the mark, in bytes. The environment of an image is usually far smaller.
const mostMark = 256 << 10

// gate is passed by the output of a prepared container. Before it is opened it takes the mark, which ends with the path of the
// program and a NUL; after that it passes on the output of the task. It is safe for concurrent use.
type gate struct {
	// end is the end of the mark, and marked is closed when the mark is complete or cannot be.
	end    string
	marked chan struct{}

	mu   sync.Mutex
	mark []byte
	// spoiled is true if there was other output before the gate was opened.
	spoiled bool
	// stdout and stderr are nil until the gate is opened.
	stdout, stderr io.Writer
	// nonce is what the program writes when it has all that the task needs, and again if the task has not run. held is how much
	// of the two the output consists of so far; it is -1 after the output has differed.
	nonce string
	held  int
}

func newGate(program string) *gate { return &gate{end: program + "\x00", marked: make(chan struct{})} }

// streams returns the writers for the two streams of the container. They never fail.
func (g *gate) streams() (stdout, stderr io.Writer) {
	return writerFunc(func(p []byte) { g.writeStdout(p) }), writerFunc(func(p []byte) { g.writeStderr(p) })
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func (g *gate) writeStdout(p []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stdout == nil {
		g.takeMark(p)
		return
	}
	for g.held >= 0 && len(p) > 0 {
		if g.held == 2*len(g.nonce) || p[0] != g.nonce[g.held%len(g.nonce)] {
			g.letThrough()
			g.held = -1
			break
		}
		g.held++
		p = p[1:]
	}
	if len(p) > 0 {
		_, _ = g.stdout.Write(p) // never fails
	}
}

func (g *gate) writeStderr(p []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stderr == nil {
		g.spoil()
		return
	}
	_, _ = g.stderr.Write(p) // never fails
}

// givenMark returns the mark of a program that another process has started; it is empty if this one has.
func (p *prepared) givenMark() []byte {
	if p.given == nil {
		return nil
	}
	return []byte(strings.Join(append(slices.Clone(p.given), p.program), "\x00") + "\x00")
}

func (g *gate) takeMark(p []byte) {
	if g.spoiled || bytes.HasSuffix(g.mark, []byte(g.end)) || len(g.mark)+len(p) > mostMark {
		g.spoil()
		return
	}
	g.mark = append(g.mark, p...)
	if bytes.HasSuffix(g.mark, []byte(g.end)) {
		close(g.marked)
	}
}

func (g *gate) spoil() {
	g.spoiled = true
	select {
	case <-g.marked:
	default:
		close(g.marked)
	}
}

// letThrough passes on what was held back after the first nonce. Without that the output is not the task's.
func (g *gate) letThrough() {
	if g.held > len(g.nonce) {
		_, _ = io.WriteString(g.stdout, g.nonce[:g.held-len(g.nonce)]) // never fails
	}
}

// environment returns the environment that the program was started with. ok is false if the mark is not complete.
func (g *gate) environment() (env []string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all, ok := strings.CutSuffix(string(g.mark), g.end)
	if !ok || g.spoiled || all == "" {
		return nil, false
	}
	return strings.Split(strings.TrimSuffix(all, "\x00"), "\x00"), true
}

// open passes on the output of the task from now on.
func (g *gate) open(stdout, stderr io.Writer, nonce string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stdout, g.stderr, g.nonce = stdout, stderr, nonce
}

// close is called after the end of the output. It reports whether the task has run.
func (g *gate) close() (ran bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ran = g.held == -1 || g.held >= len(g.nonce) && g.held < 2*len(g.nonce)
	if ran {
		g.letThrough()
	}
	return ran
}
