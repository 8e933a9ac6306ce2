package docker

import (
	"strconv"

	"github.com/docker/docker/api/types/container"
)

// logBytes is the size of each of the two files in which the engine keeps a container's output. Ordinary tasks write far
// less, and a task that prints forever does not fill the engine's disk.
const logBytes = 8 << 20

// logDriver is the way in which an engine keeps a container's output. If an engine refuses one, the next is used.
type logDriver int32

const (
	// localLog is Docker's driver `local`, the only one of its drivers that keeps the output byte by byte: json-file
	// replaces what is not UTF-8.
	localLog logDriver = iota
	// k8sLog is podman's driver, which keeps bytes too. It has no second file and truncates the first when it is full.
	k8sLog
	// noLog is for an engine that keeps nothing.
	noLog
)

// firstLogDriver returns the first driver that the engine is not known to refuse.
func (e *Engine) firstLogDriver() logDriver {
	d := logDriver(e.logDriver.Load())
	if d == localLog && e.isPodman() {
		return k8sLog
	}
	return d
}

func (d logDriver) config() container.LogConfig {
	switch d {
	case localLog:
		return container.LogConfig{Type: "local", Config: map[string]string{
			"max-size": strconv.Itoa(logBytes), "max-file": "2", "compress": "false",
		}}
	case k8sLog:
		return container.LogConfig{Type: "k8s-file", Config: map[string]string{"max-size": strconv.Itoa(2 * logBytes)}}
	}
	return container.LogConfig{Type: "none"}
}

// losesBreaks reports whether the log may lack the line break after a line that it keeps in parts.
func (d logDriver) losesBreaks() bool { return d == localLog }
