package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// again compares the second attempt of a task with its first one: from the event that an attempt starts, after the wait, to
// its first line.
func again(b *testing.B, l *lab) experiment {
	task := l.write(b, "again.yaml", definition("again", "  retries: 1\n"+container("[sh, -c, 'echo started; exit 1']")))
	return experiment{engine: l.docker, commands: []command{{args: []string{l.ktask, "run", "-o", "json", task}, exit: 1}}, rows: []quantity{
		{title: "second attempt: " + outputOf, against: "the first attempt", take: func(r []*sample) (float64, float64, error) { return attempts(r[0].head.String()) },
			target: Target{Limit: 0.3, Obstacle: "The container of an attempt is created after the wait, not during it."}},
	}}
}

// attempts returns how long the second attempt and the first one took from their starts to their first lines.
func attempts(events string) (second, first float64, err error) {
	var started, spoke [3]time.Time
	for lines := bufio.NewScanner(strings.NewReader(events)); lines.Scan(); {
		var e struct {
			Event   string
			Time    time.Time
			Attempt int
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return 0, 0, err
		}
		switch e.Event {
		case "AttemptStarted":
			started[e.Attempt] = e.Time
		case "OutputLine":
			spoke[e.Attempt] = e.Time
		}
	}
	if spoke[1].IsZero() || spoke[2].IsZero() {
		return 0, 0, fmt.Errorf("two attempts with a line each are expected in:\n%s", events)
	}
	return spoke[2].Sub(started[2]).Seconds(), spoke[1].Sub(started[1]).Seconds(), nil
}

// output64 and output1024 compare the rates at which 64 MiB and 1 GiB of output with a secret arrive.
func output64(b *testing.B, l *lab) experiment {
	return l.much(b, "64 MiB of output with a secret", 64, 2, Target{Limit: 1, AtLeast: true,
		Obstacle: "Output is searched for secrets and each line is an event of its own: this takes CPU time on cores that the engine and the task need as well."})
}

func output1024(b *testing.B, l *lab) experiment {
	return l.much(b, "1 GiB of output with a secret", 1024, 10, Target{})
}

func (l *lab) much(b *testing.B, title string, mib, every int, target Target) experiment {
	// The secret, which is in one of 100 lines, has as many bytes as what takes its place.
	const token, line = "xoxb-4711", "2024-05-01T10:00:00Z INFO the quick brown fox jumps over the lazy dog id=4711 path=/var/data/function.ts"
	script := fmt.Sprintf("i=0; while [ $i -lt 99 ]; do L=\"$L%s\n\"; i=$((i+1)); done; yes \"${L}INFO token=$TOKEN\" | head -c %d", line, mib<<20)
	task := l.write(b, "much.yaml", definition("much", container("[sh, -c]", fmt.Sprintf("args: [%q]", script),
		"env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: api, key: token}}}]")))
	least := int64(mib<<20) - 1<<10
	return experiment{every: every, engine: l.docker, commands: []command{
		{args: []string{l.ktask, "run", "--secret", "api/token=" + token, task}, wants: "INFO token=•••\n", bytes: least},
		{args: []string{"docker", "run", "--rm", "-e", "TOKEN=" + token, "--entrypoint", "sh", busybox, "-c", script}, wants: "INFO token=" + token, bytes: least},
	}, rows: []quantity{
		{title: title + ": rate", unit: BytesPerSecond, against: "`docker run --rm`", take: value(rate).pair(1), target: target},
		{title: title + ": client CPU", against: "`docker run --rm`", take: value(cpu).pair(1)},
		{title: title + ": memory", unit: Bytes, against: "`docker run --rm`", take: value(peak).pair(1)},
	}}
}
