package docker

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// TestGate passes output through a gate in pieces of each size.
func TestGate(t *testing.T) {
	const nonce = "\x00abcabd"
	for name, test := range map[string]struct {
		output, want string
		ran          bool
	}{
		"nothing":                    {"", "", false},
		"a part of the nonce":        {nonce[:4], "", false},
		"the nonce":                  {nonce, "", true},
		"text":                       {nonce + "text", "text", true},
		"the nonce twice":            {nonce + nonce, "", false},
		"a part of the second":       {nonce + nonce[:4], nonce[:4], true},
		"a part, then text":          {nonce + nonce[:6] + "text", nonce[:6] + "text", true},
		"a part, then the nonce":     {nonce + nonce[:4] + nonce, nonce[:4] + nonce, true},
		"more than the nonce twice":  {nonce + nonce + "x", nonce + "x", true},
		"the nonce three times":      {nonce + nonce + nonce, nonce + nonce, true},
		"the nonce after other text": {nonce + "x" + nonce, "x" + nonce, true},
		"the end of a mark":          {nonce + "/program\x00", "/program\x00", true},
	} {
		t.Run(name, func(t *testing.T) {
			for size := 1; size <= len(test.output)+1; size++ {
				g := newGate("/program")
				stdout, stderr := g.streams()
				write(stdout, "A=1\x00\x00B=2\x00/program\x00", size)
				<-g.marked
				if env, ok := g.environment(); !ok || strings.Join(env, "|") != "A=1||B=2" {
					t.Errorf("environment %q, %v", env, ok)
				}
				var got, gotErr bytes.Buffer
				g.open(&got, &gotErr, nonce)
				write(stdout, test.output, size)
				write(stderr, test.output, size)
				if ran := g.close(); ran != test.ran || got.String() != test.want || gotErr.String() != test.output {
					t.Errorf("in pieces of %d: got %q and %q, has run: %v", size, got.String(), gotErr.String(), ran)
				}
			}
		})
	}
}

func write(to io.Writer, text string, size int) {
	for len(text) > 0 {
		n, _ := to.Write([]byte(text[:min(size, len(text))])) // never fails
		text = text[n:]
	}
}

// TestGateThatIsNotReady writes what is no mark.
func TestGateThatIsNotReady(t *testing.T) {
	for name, write := range map[string]func(g *gate){
		"nothing":              func(*gate) {},
		"half a mark":          func(g *gate) { g.writeStdout([]byte("A=1\x00/prog")) },
		"no environment":       func(g *gate) { g.writeStdout([]byte("/program\x00")) },
		"more than a mark":     func(g *gate) { g.writeStdout([]byte("A=1\x00/program\x00")); g.writeStdout([]byte("x")) },
		"an error":             func(g *gate) { g.writeStdout([]byte("A=1\x00/program\x00")); g.writeStderr([]byte("x")) },
		"a very long mark":     func(g *gate) { g.writeStdout(make([]byte, mostMark)); g.writeStdout([]byte("/program\x00")) },
		"another one's ending": func(g *gate) { g.writeStdout([]byte("A=1\x00/programs\x00")) },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate("/program")
			write(g)
			if env, ok := g.environment(); ok {
				t.Errorf("it is ready with %q", env)
			}
		})
	}
}
