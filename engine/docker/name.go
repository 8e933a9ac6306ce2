package docker

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/ktask/ktask/engine"
)

// The labels of everything that ktask creates on an engine.
const (
	labelPrefix  = "dev.ktask."
	labelRun     = labelPrefix + "run"
	labelTask    = labelPrefix + "task"
	labelAttempt = labelPrefix + "attempt"
	labelOwner   = labelPrefix + "owner"
	labelVersion = labelPrefix + "version"
	// labelCreate is a random text for each creation. It identifies what that creation has made: something of the same name
	// that somebody else has created does not have it.
	labelCreate = labelPrefix + "create"
	// labelLifetime is the longest that a container or volume can be in use after its creation, in seconds.
	labelLifetime = labelPrefix + "lifetime"
)

func labelMap(l engine.Labels) map[string]string {
	all := map[string]string{
		labelRun:     l.Run,
		labelTask:    l.Task,
		labelAttempt: strconv.Itoa(l.Attempt),
		labelOwner:   l.Owner,
		labelVersion: l.Version,
	}
	if l.Lifetime > 0 {
		all[labelLifetime] = strconv.Itoa(*wholeSeconds(l.Lifetime))
	}
	return all
}

// labelCreation adds the labels that Options name and a random label for this creation.
func (e *Engine) labelCreation(labels map[string]string) {
	maps.Copy(labels, e.labels)
	labels[labelCreate] = rand.Text()
}

// checkLabels returns an error if labels of Options could be read as those of a run.
func checkLabels(labels map[string]string) error {
	for name := range labels {
		if strings.HasPrefix(name, labelPrefix) {
			return &engine.Error{
				Reason: engine.EngineRefused, Err: fmt.Errorf("label %q: names that begin with %s are ktask's own", name, labelPrefix),
				Remedy: engine.Remedy{Text: "use another name"},
			}
		}
	}
	return nil
}

// longestName limits names to a length that is readable in a list; Docker itself has no limit.
const longestName = 100

// containerName returns ktask-<run>-<task>-<attempt>. Characters that Docker does not allow become "-"; if that or the
// length changes the name, a part of its hash keeps it unique.
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

// The endings of the names of containers that are not ordinary attempts.
const (
	keeperEnding  = "-keeper"
	messageEnding = "-message"
	// keptEnding is appended to the name of a container that --keep has kept, after its attempt has ended.
	keptEnding = "-kept"
)

// volumeName returns the name of the n-th volume of an attempt.
func volumeName(l engine.Labels, n int) string { return fmt.Sprintf("%s-%d", containerName(l), n) }

// named reports whether ktask gives this name to a container or volume with these labels. Labels alone prove nothing: an
// image that is committed from a container passes its labels on to all containers created from it.
func named(name string, l engine.Labels) bool {
	ending, ok := strings.CutPrefix(name, containerName(l))
	switch ending {
	case "", keeperEnding, messageEnding, keptEnding:
		return ok
	}
	number, dashed := strings.CutPrefix(ending, "-") // a volume, or a container whose start was repeated
	return ok && dashed && isNumber(number)
}

// labelsOf parses the labels that labelMap returns. Missing ones are zero.
func labelsOf(m map[string]string) engine.Labels {
	attempt, _ := strconv.Atoi(m[labelAttempt])
	lifetime, _ := strconv.ParseInt(m[labelLifetime], 10, 32) // at most 68 years, which a Duration holds
	return engine.Labels{
		Run: m[labelRun], Task: m[labelTask], Attempt: attempt, Owner: m[labelOwner], Version: m[labelVersion],
		Lifetime: time.Duration(max(lifetime, 0)) * time.Second,
	}
}
