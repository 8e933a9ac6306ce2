package resolve

import (
	"fmt"
	"io"
	"testing"

	"github.com/ktask/ktask/engine/plan"
	"github.com/ktask/ktask/spec"
)

// BenchmarkResolve makes plans of many definitions that call the same function. ns/definition should be the same for a thousand
// and for ten thousand.
func BenchmarkResolve(b *testing.B) {
	o := Options{Namespace: "default", KeptnNamespace: "keptn-system"}
	for _, n := range []int{1000, 10_000} {
		text := callers(n) + fmt.Sprintf(inline, 1_000_000, "console.log(1)")
		m, problems, _ := spec.Load([]spec.File{{Name: "f", Data: []byte(text), Named: true}}, spec.Options{Namespace: "default"})
		if len(problems) > 0 {
			b.Fatal(problems)
		}
		run := func(name string, do func(b *testing.B)) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					do(b)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/definition")
			})
		}
		run("plan", func(b *testing.B) {
			if p, _, err := Resolve(m, o); err != nil || len(p.Tasks) != n {
				b.Fatalf("%d tasks, %v", len(p.Tasks), err)
			}
		})
		run("check", func(b *testing.B) {
			if problems := Check(m, o); len(problems.Errors()) > 0 {
				b.Fatal(problems)
			}
		})
		p, _, _ := Resolve(m, o)
		run("text", func(b *testing.B) {
			if err := p.WriteText(io.Discard, plan.TextOptions{Explain: true, Width: 80}); err != nil {
				b.Fatal(err)
			}
		})
		run("json", func(b *testing.B) {
			if _, err := p.MarshalJSON(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
