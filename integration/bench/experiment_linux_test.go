package bench

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
)

// experiment runs some commands in turn and takes rows from what they used.
type experiment struct {
	// every is the number of rounds of which this experiment has one: long ones have fewer. 0 stands for 1.
	every    int
	engine   string
	commands []command // ktask's is the first
	rows     []quantity
}

// quantity is a row before it is measured.
type quantity struct {
	title   string
	unit    Unit
	against string
	target  Target
	// take returns ktask's value in a round and the one that it is compared with, if there is one.
	take func(round []*sample) (ours, theirs float64, err error)
}

// measure runs the experiment and returns its rows. Each round runs all commands, in an order of its own. Before the first round
// of a short experiment they run once uncounted, so that files are in memory.
func (e experiment) measure(ctx context.Context, meter string, rounds int) ([]Row, error) {
	every := max(e.every, 1)
	rounds = max(rounds/every, 1)
	warmup := 1
	if every > 1 || len(e.commands) == 0 {
		warmup = 0
	}
	values := make([]series, len(e.rows))
	for i := range rounds + warmup {
		round, err := e.round(ctx, meter)
		if err != nil {
			return nil, err
		}
		if i < warmup {
			continue
		}
		for q := range e.rows {
			if err := values[q].add(e.rows[q], round); err != nil {
				return nil, fmt.Errorf("%s: %w", e.rows[q].title, err)
			}
		}
	}
	var rows []Row
	for i, q := range e.rows {
		row := Row{Engine: e.engine, Title: q.title, Rounds: rounds, Unit: q.unit, Ours: newInterval(values[i].ours), Against: q.against, Target: q.target}
		if q.against != "" {
			row.Theirs, row.Ratio = newInterval(values[i].theirs), newInterval(values[i].ratios)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// round runs each command once, in random order. The samples are in the order of the commands.
func (e experiment) round(ctx context.Context, meter string) ([]*sample, error) {
	samples := make([]*sample, len(e.commands))
	for _, i := range rand.Perm(len(e.commands)) {
		var err error
		if samples[i], err = e.commands[i].run(ctx, meter); err != nil {
			return nil, err
		}
	}
	return samples, nil
}

// series is the values of a quantity.
type series struct{ ours, theirs, ratios []float64 }

func (s *series) add(q quantity, round []*sample) error {
	ours, theirs, err := q.take(round)
	if err != nil {
		return err
	}
	s.ours, s.theirs, s.ratios = append(s.ours, ours), append(s.theirs, theirs), append(s.ratios, ours/cmp.Or(theirs, 1))
	return nil
}

// value is a property of a sample.
type value func(*sample) float64

func end(s *sample) float64   { return s.usage.End.Sub(s.usage.Start).Seconds() }
func first(s *sample) float64 { return s.first.Sub(s.usage.Start).Seconds() }
func cpu(s *sample) float64   { return s.usage.CPU.Seconds() }
func peak(s *sample) float64  { return float64(s.usage.Peak) }

// rate is the speed of the output from its first byte to its last, without the start of the container.
func rate(s *sample) float64 { return float64(s.written) / s.last.Sub(s.first).Seconds() }

// pair compares a property of the first command with that of another.
func (v value) pair(other int) func([]*sample) (float64, float64, error) {
	return func(r []*sample) (float64, float64, error) { return v(r[0]), v(r[other]), nil }
}

// alone takes a property of one command and compares it with nothing.
func (v value) alone(of int) func([]*sample) (float64, float64, error) {
	return func(r []*sample) (float64, float64, error) { return v(r[of]), 0, nil }
}

// growth compares what each further definition costs between the last two sizes with what it costs between the first two. A
// ratio of 1 is linear.
func (v value) growth(r []*sample) (float64, float64, error) {
	each := func(i int) float64 { return (v(r[i+1]) - v(r[i])) / float64(sizes[i+1]-sizes[i]) }
	return each(1), each(0), nil
}
