package spec

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestZZProbe(t *testing.T) {
	if os.Getenv("PROBE") == "" {
		return
	}
	type in struct{ name, text string }
	var ins []in
	n := 1 << 20
	def := "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec:\n  deno:\n    inline: {code: x}\n"
	cm := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
	alpha := []string{"-", "?", ":", "#", "\n", " ", "a", "\"", "'", "[", "]", "{", "}", ",", "&a", "*a", "!", "|", ">", "%", "@", "`", "\t", "\r", "0", "<<", "~", "\\", ".", "\xc2\x85", "\xe2\x80\xa8", "---", "..."}
	for _, a := range alpha {
		ins = append(ins, in{fmt.Sprintf("rep %q", a), strings.Repeat(a, n/len(a))})
		for _, b := range alpha {
			if a != b {
				s := a + b
				ins = append(ins, in{fmt.Sprintf("rep %q", s), strings.Repeat(s, n/len(s))})
				ins = append(ins, in{fmt.Sprintf("rep %q in cm", s), cm + "  x: " + strings.Repeat(s, n/len(s))})
				if os.Getenv("PROBE") == "3" {
					for _, c := range alpha {
						s := a + b + c
						ins = append(ins, in{fmt.Sprintf("rep %q", s), strings.Repeat(s, n/8/len(s))})
					}
				}
			}
		}
	}
	count := func(f string, size int) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, f, i)
		}
		return b.String()
	}
	for _, p := range []struct{ name, prefix, f string }{
		{"cm keys", cm, "  k%d: v\n"}, {"unknown keys", def, "k%d: v\n"}, {"dup keys", cm, "  k: %d\n"},
		{"labels bad", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels:\n", "    k_%d_: 7\n"},
		{"tag directives", "", "%%TAG !a%d! x\n"}, {"anchors", "", "- &a%d x\n"}, {"docs", "", "---\na%d: b\n"},
		{"env scalars", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec:\n  container:\n    env:\n", "    - %d\n"},
		{"unknown in env", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec:\n  container:\n    env:\n", "    - {nam: %d}\n"},
		{"defs", "", "---\napiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a%d}\nspec:\n  deno:\n    inline: {code: x}\n"},
		{"list", "apiVersion: v1\nkind: List\nitems:\n", "- apiVersion: lifecycle.keptn.sh/v1\n  kind: KeptnTaskDefinition\n  metadata: {name: a%d}\n  spec:\n    deno:\n      inline: {code: x}\n"},
		{"numbers", "", "- %d.5\n"}, {"comments", "", "# %d\n"}, {"key comments", "", "k%d: v # c\n"}, {"head comments", "", "# c\nk%d: v\n"}, {"merge list", "a: &a {b: c}\nd: {<<: [", "*a, "},
		{"comment seq", "a:\n", "# c %d\n- b\n"}, {"comment indent", "a:\n", "  # c %d\n\n"}, {"folded", cm + "  x: >\n", "    a %d\n\n"}, {"literal", cm + "  x: |\n", "    a %d\n"},
		{"dq lines", cm + "  x: \"", "    a %d\n\n"}, {"flow nl", cm + "  x: [", "\n a%d,"},{"long plain", cm + "  x: ", "    a %d\n"},
	} {
		ins = append(ins, in{p.name, p.prefix + count(p.f, n)})
	}
	laugh := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 12; i++ {
		laugh += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	big := "x: &x " + strings.Repeat("a", n/2) + "\n"
	ins = append(ins,
		in{"laugh", def + laugh},
		in{"laugh status", def + laugh + "status: *a11\n"},
		in{"laugh status 6", def + laugh + "status: *a6\n"},
		in{"big alias", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  " + big + strings.ReplaceAll(count("  k%d: *x\n", n/2), "\n\n", "\n")},
		in{"longkey", def + strings.Repeat("k", n) + ": v\n"},
		in{"longkey unknown in container", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec:\n  container:\n    " + strings.Repeat("k", n) + "? : v\n"},
	)
	limit := 300 * time.Millisecond
	for _, i := range ins {
		type result struct{ panicked any }
		runtime.GC()
		var m0, m1 runtime.MemStats
		runtime.ReadMemStats(&m0)
		done := make(chan any, 1)
		start := time.Now()
		go func() {
			defer func() { done <- recover() }()
			Load([]File{{Name: "f", Data: []byte(i.text), Named: true}}, Options{Namespace: "default"})
		}()
		peak := uint64(0)
		var p any
		tick := time.NewTicker(5 * time.Millisecond)
	loop:
		for {
			select {
			case p = <-done:
				break loop
			case <-tick.C:
				runtime.ReadMemStats(&m1)
				peak = max(peak, m1.HeapAlloc)
				if time.Since(start) > 20*time.Second {
					p = "HANG"
					break loop
				}
			}
		}
		tick.Stop()
		d := time.Since(start)
		runtime.ReadMemStats(&m1)
		if p != nil || d > limit || peak > 200<<20 || m1.TotalAlloc-m0.TotalAlloc > 400<<20 {
			fmt.Printf("%-40s %8v peak %4dM total %5dM %v\n", i.name, d.Round(time.Millisecond), peak>>20, (m1.TotalAlloc-m0.TotalAlloc)>>20, p)
		}
		if p == "HANG" && os.Getenv("PROBE") == "1" && m1.HeapAlloc > 4<<30 {
			os.Exit(1)
		}
	}
}
