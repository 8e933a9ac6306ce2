package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// startUp compares the start of the two programs.
func startUp(_ *testing.B, l *lab) experiment {
	return experiment{commands: []command{
		{args: []string{l.ktask, "version"}, wants: "ktask"}, {args: []string{"docker", "--version"}, wants: "version"},
	}, rows: []quantity{
		{title: "start-up: exit", against: "`docker --version`", take: value(end).pair(1)},
		{title: "start-up: memory", unit: Bytes, against: "`docker --version`", take: value(peak).pair(1)},
	}}
}

// sizes are numbers of definitions, and sizeNames how they are written.
var (
	sizes     = [3]int{100, 1000, 10_000}
	sizeNames = [3]string{"100", "1,000", "10,000"}
)

func validate(b *testing.B, l *lab) experiment { return l.definitions(b, "validate", "") }

func plan(b *testing.B, l *lab) experiment { return l.definitions(b, "plan", "task-0") }

// definitions runs a command on files with more and more definitions.
func (l *lab) definitions(b *testing.B, name, wants string) experiment {
	e := experiment{every: 2}
	for i, n := range sizes {
		path := l.write(b, fmt.Sprintf("definitions-%d.yaml", n), many(n, inline("deno", `console.log("Hello, " + JSON.parse(Deno.env.get("DATA")).name)`)))
		e.commands = append(e.commands, command{args: []string{l.ktask, name, path}, wants: wants})
		row := quantity{title: name + " " + sizeNames[i] + " definitions: exit", take: value(end).alone(i)}
		if n == sizes[2] {
			row.target = Target{Limit: 1, Obstacle: "Documents are parsed on all cores, but checked one after the other on one."}
		}
		e.rows = append(e.rows, row, quantity{title: name + " " + sizeNames[i] + " definitions: memory", unit: Bytes, take: value(peak).alone(i)})
	}
	linear := Target{Limit: 1.1, Obstacle: "Beyond 1,000 definitions each costs more than before."}
	e.rows = append(e.rows, quantity{title: name + ", growth beyond 1,000: time of each", against: "that of each up to 1,000", take: value(end).growth, target: linear},
		quantity{title: name + ", growth beyond 1,000: memory of each", unit: Bytes, against: "that of each up to 1,000", take: value(peak).growth})
	return e
}

// masker runs the benchmark of lines that are written one by one, with text that is almost a secret and with many secrets.
func masker(b *testing.B, l *lab) experiment {
	program := filepath.Join(l.dir, "mask.test")
	l.output(b, "go", "test", "-c", "-o", program, "../../engine/mask")
	e := experiment{every: 4, commands: []command{{args: []string{program, "-test.run", "^$", "-test.bench", "MaskLines", "-test.benchtime", "200ms"}, wants: "PASS"}}}
	for _, c := range []struct{ title, name string }{{"400 secrets", "400_secrets"}, {"lines almost of 1 secret", "near_1"}, {"lines almost of 400 secrets", "near_400"}} {
		pattern := regexp.MustCompile(`(?m)^BenchmarkMaskLines/` + c.name + `(?:-\d+)?\s.*\s([\d.]+) MB/s`)
		e.rows = append(e.rows, quantity{title: "masking, " + c.title, unit: BytesPerSecond, take: func(r []*sample) (float64, float64, error) {
			found := pattern.FindStringSubmatch(r[0].head.String())
			if found == nil {
				return 0, 0, fmt.Errorf("no rate of %s in:\n%s", c.name, r[0].head.String())
			}
			rate, err := strconv.ParseFloat(found[1], 64)
			return rate * 1e6, 0, err
		}})
	}
	return e
}

// size is that of the program, stripped as `make dist` does it.
func size(_ *testing.B, l *lab) experiment {
	return experiment{every: l.rounds, rows: []quantity{{title: "size of the program", unit: Bytes, take: func([]*sample) (float64, float64, error) {
		file, err := os.Stat(l.ktask)
		if err != nil {
			return 0, 0, err
		}
		return float64(file.Size()), 0, nil
	}}}}
}
