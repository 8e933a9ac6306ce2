package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/creack/pty"
)

// The size of the terminal.
const (
	columns = 80
	rows    = 20
)

// longest is how long a scene may take.
const longest = 2 * time.Minute

const prompt = "$ "

// scene is a command, and a text that its output must have.
type scene struct{ command, shows string }

// pace is the time between two keys, and the time to look at the output of a command before the next one.
type pace struct{ key, look time.Duration }

// recording is what a terminal gets, in order.
type recording []output

// output are bytes, and the time from the start of the recording at which the terminal gets them.
type output struct {
	at    time.Duration
	bytes []byte
}

// shell is an interactive bash on a terminal.
type shell struct {
	terminal *os.File
	outputs  chan []byte // closed when bash has ended
	begun    time.Time
	recorded recording
	text     []byte // of recorded, since the last command was entered
}

// record types the commands of the scenes into a shell in dir, in which dir/bin/ktask is found as ktask. It fails if a command
// does not show what it must.
func record(dir string, scenes []scene, p pace) (recorded recording, err error) {
	inputrc := filepath.Join(dir, "inputrc")
	if err := os.WriteFile(inputrc, []byte("set enable-bracketed-paste off\n"), 0o600); err != nil {
		return nil, err
	}
	bash := exec.Command("bash", "--noprofile", "--norc", "-i")
	bash.Dir = dir
	bash.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "XDG_STATE_HOME="+filepath.Join(dir, "state"),
		"INPUTRC="+inputrc, "HISTFILE=", "PS1="+prompt, "TERM=xterm-256color", "LC_ALL=C.UTF-8", "NO_COLOR=", "GITHUB_ACTIONS=")
	terminal, err := pty.StartWithSize(bash, &pty.Winsize{Cols: columns, Rows: rows})
	if err != nil {
		return nil, fmt.Errorf("start bash on a terminal: %w", err)
	}
	s := &shell{terminal: terminal, outputs: make(chan []byte), begun: time.Now()}
	go s.read()
	defer func() {
		_ = bash.Process.Kill() // which ends read
		for range s.outputs {
		}
		_ = bash.Wait()
		_ = terminal.Close()
	}()
	if err := s.awaitPrompt(); err != nil {
		return nil, err
	}
	for i, scene := range scenes {
		if i > 0 {
			s.collect(p.look, func() bool { return false })
		}
		if err := s.enter(scene.command, p.key); err != nil {
			return nil, err
		}
		if !bytes.Contains(s.text, []byte(scene.shows)) {
			return nil, fmt.Errorf("%s: %q is not in its output:\n%s", scene.command, scene.shows, s.text)
		}
	}
	return s.recorded, nil
}

// read sends what bash and its commands write until bash has ended.
func (s *shell) read() {
	defer close(s.outputs)
	for {
		buffer := make([]byte, 32<<10)
		n, err := s.terminal.Read(buffer)
		if err != nil {
			return
		}
		s.outputs <- buffer[:n]
	}
}

// enter types a command, key by key, and waits for the next prompt.
func (s *shell) enter(command string, key time.Duration) error {
	for _, r := range command {
		if _, err := s.terminal.WriteString(string(r)); err != nil {
			return err
		}
		s.collect(key, func() bool { return false })
	}
	s.text = nil
	if _, err := s.terminal.WriteString("\r"); err != nil {
		return err
	}
	return s.awaitPrompt()
}

// awaitPrompt records output until it ends with a prompt.
func (s *shell) awaitPrompt() error {
	ended := func() bool { return bytes.HasSuffix(append([]byte("\n"), s.text...), []byte("\n"+prompt)) }
	if s.collect(longest, ended); !ended() {
		return fmt.Errorf("bash shows no prompt after %v:\n%s", longest, s.text)
	}
	return nil
}

// collect records output until enough reports true, for at most a time.
func (s *shell) collect(atMost time.Duration, enough func() bool) {
	timeout := time.After(atMost)
	for !enough() {
		select {
		case b, open := <-s.outputs:
			if !open {
				return
			}
			s.recorded = append(s.recorded, output{time.Since(s.begun), b})
			s.text = append(s.text, b...)
		case <-timeout:
			return
		}
	}
}
