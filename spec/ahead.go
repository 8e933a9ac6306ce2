package spec

import (
	"iter"
	"runtime"
	"sync"

	"github.com/ktask/ktask/spec/yamltree"
)

const (
	// batchSize is the size in bytes of the documents that are parsed as one batch. Most files are one.
	batchSize = 16 << 10
	// largestAhead is the size of the largest batch that is parsed ahead. Trees take many times more memory than their text.
	largestAhead = 256 << 10
)

// parsed is a document, its tree, and the problems that the parser found.
type parsed struct {
	text  []byte
	root  *yamltree.Node
	found []finding
}

// finding is a problem of the parser. Key is the key that is given twice, if that is the problem.
type finding struct {
	key     string
	problem Problem
}

// parseAll returns the documents of a file in their order. One batch for each core is parsed while the caller reads those before.
func parseAll(r *reporter, documents []yamltree.Document) iter.Seq[parsed] {
	return func(yield func(parsed) bool) {
		var running sync.WaitGroup
		defer running.Wait()
		var ahead []func() []parsed
		for len(documents) > 0 || len(ahead) > 0 {
			for len(documents) > 0 && len(ahead) <= runtime.GOMAXPROCS(0) {
				count, size := firstBatch(documents)
				batch := documents[:count]
				parse := sync.OnceValue(func() []parsed { return parseBatch(r, batch) })
				if documents = documents[count:]; size <= largestAhead && len(documents)+len(ahead) > 0 {
					running.Go(func() { parse() })
				}
				ahead = append(ahead, parse)
			}
			for _, p := range ahead[0]() {
				if !yield(p) {
					return
				}
			}
			ahead = ahead[1:]
		}
	}
}

// firstBatch returns the number of the documents of the first batch, and their size.
func firstBatch(documents []yamltree.Document) (count, size int) {
	for count < len(documents) && (count == 0 || size+len(documents[count].Text) <= batchSize) {
		size += len(documents[count].Text)
		count++
	}
	return count, size
}

func parseBatch(r *reporter, batch []yamltree.Document) []parsed {
	all := make([]parsed, 0, len(batch))
	for _, d := range batch {
		p := parsed{text: d.Text}
		p.root = parse(r, d, func(found yamltree.Problem, reported Problem) {
			if len(p.found) <= maxProblems { // hostile documents have millions
				p.found = append(p.found, finding{found.Key, reported})
			}
		})
		all = append(all, p)
	}
	return all
}
