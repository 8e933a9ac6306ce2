package docker

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"

	"github.com/ktask/ktask/engine"
)

// The labels of everything that ktask makes on an engine.
const (
	labelRun     = "dev.ktask.run"
	labelTask    = "dev.ktask.task"
	labelAttempt = "dev.ktask.attempt"
	labelOwner   = "dev.ktask.owner"
	labelVersion = "dev.ktask.version"
	// labelKeep is on what --keep made: "true".
	labelKeep = "dev.ktask.keep"
)

func labelMap(l engine.Labels) map[string]string {
	return map[string]string{
		labelRun:     l.Run,
		labelTask:    l.Task,
		labelAttempt: strconv.Itoa(l.Attempt),
		labelOwner:   l.Owner,
		labelVersion: l.Version,
	}
}

// longestName keeps names readable in a list; Docker itself sets no bound.
const longestName = 100

// containerName is ktask-<run>-<task>-<attempt>. What Docker does not allow in a name becomes "-"; where that or
// the length changes the name, a part of its hash keeps it unique.
func containerName(l engine.Labels) string {
	exact := fmt.Sprintf("ktask-%s-%s", l.Run, l.Task)
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '-'
	}, exact)
	attempt := "-" + strconv.Itoa(l.Attempt)
	if limit := longestName - len(attempt); name != exact || len(name) > limit {
		hash := fmt.Sprintf("-%x", sha256.Sum256([]byte(exact)))[:9]
		name = name[:min(len(name), limit-len(hash))] + hash
	}
	return name + attempt
}

// labelsOf reads back what labelMap wrote.
func labelsOf(m map[string]string) engine.Labels {
	attempt, _ := strconv.Atoi(m[labelAttempt]) // 0 where somebody else wrote it
	return engine.Labels{
		Run: m[labelRun], Task: m[labelTask], Attempt: attempt, Owner: m[labelOwner], Version: m[labelVersion],
	}
}
