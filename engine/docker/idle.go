package docker

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// idleSample is how long the processors are watched.
	idleSample = 50 * time.Millisecond
	// idleShare is the part of the time of all processors that is unused if the machine has time.
	idleShare = 0.5
)

// hasTime waits until the processors of the engine's machine are partly idle, and returns true. On a busy machine, preparing a
// container would slow down the tasks that run. It returns false when ctx ends. If the load of the machine cannot be known, it returns
// false immediately.
func (e *Engine) hasTime(ctx context.Context) bool {
	if !strings.HasPrefix(e.endpoint.Host, "unix://") {
		return false
	}
	before, ok := processorTime()
	for ok && pause(ctx, idleSample) {
		var now processors
		if now, ok = processorTime(); !ok {
			break
		}
		if all := now.all - before.all; all > 0 && float64(now.idle-before.idle) >= idleShare*float64(all) {
			return true
		}
		before = now
	}
	return false
}

// processors is the time of all processors since the start of the machine, in ticks.
type processors struct{ idle, all uint64 }

// processorTime reads the first line of /proc/stat, see proc_stat(5). ok is false if this machine has none.
func processorTime() (p processors, ok bool) {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return p, false
	}
	line, _, _ := strings.Cut(string(content), "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return p, false
	}
	for i, field := range fields[1:9] { // user, nice, system, idle, iowait, irq, softirq, steal
		ticks, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return p, false
		}
		p.all += ticks
		if i == 3 || i == 4 {
			p.idle += ticks
		}
	}
	return p, true
}
