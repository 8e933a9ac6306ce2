package spec

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// benchDefinition has the size of a usual definition. %d is a part of its name.
const benchDefinition = `apiVersion: lifecycle.keptn.sh/v1
kind: KeptnTaskDefinition
metadata:
  name: task-%d
  labels:
    team: release
spec:
  deno:
    inline:
      code: |
        const data = JSON.parse(Deno.env.get("DATA"));
        console.log("Hello, " + data.name);
    parameters:
      map:
        name: Keptn
        region: eu-north-1
  retries: 3
  timeout: 5m
`

// BenchmarkLoad loads many definitions, as documents of a file and as items of one List. ns/definition should be
// the same for a thousand and for ten thousand.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		for _, form := range []struct{ name, head, separator string }{
			{"documents", "", "---\n"},
			{"list", "apiVersion: v1\nkind: List\nitems:\n", "-\n"},
		} {
			var text strings.Builder
			text.WriteString(form.head)
			for i := range n {
				definition := fmt.Sprintf(benchDefinition, i)
				if form.head != "" {
					definition = strings.TrimSuffix(strings.ReplaceAll("  "+definition, "\n", "\n  "), "  ")
				}
				text.WriteString(form.separator + definition)
			}
			data := []byte(text.String())
			b.Run(fmt.Sprintf("%s/%d", form.name, n), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					m, problems, _ := Load([]File{{Name: "f", Data: data, Named: true}}, Options{Namespace: "default"})
					if len(problems) > 0 || len(m.Definitions) != n {
						b.Fatalf("%d definitions, %v", len(m.Definitions), problems)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/definition")
			})
		}
	}
}

// BenchmarkHostile loads inputs of 1 MiB that take a naive reader much time or memory. None should take more than a second or
// 256 MiB.
func BenchmarkHostile(b *testing.B) {
	for _, c := range hostile {
		size := 1 << 20
		var data []byte
		for parts := 500_000; parts > 400_000; size -= 16 << 10 { // more parts would end the work at once
			data, parts = []byte(c.text(size)), 0
			for _, end := range "\n\r,?" {
				parts += bytes.Count(data, []byte(string(end)))
			}
		}
		b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				Load([]File{{Name: "f", Data: data, Named: true}}, Options{Namespace: "default"})
			}
		})
	}
}
