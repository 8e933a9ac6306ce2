package engines

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// Registry runs an empty registry on loopback and returns its address.
func Registry(t testing.TB) (address string) {
	t.Helper()
	return registry(t, t.TempDir(), "")
}

// ClosedRegistry runs a registry that requires a password, and returns its address. passwords is the text of its htpasswd
// file.
func ClosedRegistry(t testing.TB, passwords string) (address string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "htpasswd")
	if err := os.WriteFile(file, []byte(passwords), 0o600); err != nil {
		t.Fatal(err)
	}
	return registry(t, dir, fmt.Sprintf("auth: {htpasswd: {realm: test, path: %s}}\n", file))
}

// listensOn is in the log of a registry that listens; the system chooses the port.
var listensOn = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

func registry(t testing.TB, dir, more string) (address string) {
	t.Helper()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: '127.0.0.1:0'}\n", dir)
	if err := os.WriteFile(config, []byte(text+more), 0o600); err != nil {
		t.Fatal(err)
	}
	process := exec.Command("docker-registry", "serve", config)
	log, err := process.StderrPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		t.Fatalf("start a registry: %v: run `make engine` first", err)
	}
	listening, drained := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if found := listensOn.FindStringSubmatch(lines.Text()); found != nil && len(listening) == 0 {
				listening <- found[1]
			}
		}
	}()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		<-drained
		_ = process.Wait()
	})
	select {
	case address = <-listening:
	case <-drained:
		t.Fatal("the registry ended before it listened")
	case <-time.After(Patience):
		t.Fatal("the registry does not listen")
	}
	return address
}
