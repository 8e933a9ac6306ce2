package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/report"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	ms     = time.Millisecond
	second = time.Second
)

// reporters return a sink for a scene, and a function for what it has written.
var reporters = map[string]func(scene) (engine.Sink, func(engine.Result) string){
	"plain": func(s scene) (engine.Sink, func(engine.Result) string) {
		return two(func(out, diag *bytes.Buffer) engine.Sink {
			return report.NewPlain(out, diag, report.Options{Tasks: s.names()})
		})
	},
	"timestamps": func(s scene) (engine.Sink, func(engine.Result) string) {
		return two(func(out, diag *bytes.Buffer) engine.Sink {
			return report.NewPlain(out, diag, report.Options{Tasks: s.names(), Timestamps: true})
		})
	},
	"live": func(s scene) (engine.Sink, func(engine.Result) string) {
		var screen bytes.Buffer
		sink := report.NewLive(&screen, &screen, report.Options{Tasks: s.names(), OutColor: true, DiagColor: true, OutTerminal: true, Size: func() (int, int) { return 60, 24 }})
		return sink, func(engine.Result) string { return screen.String() }
	},
	"json": func(scene) (engine.Sink, func(engine.Result) string) {
		return one(func(out *bytes.Buffer) engine.Sink { return report.NewJSON(out) })
	},
	"quiet": func(scene) (engine.Sink, func(engine.Result) string) {
		return one(func(out *bytes.Buffer) engine.Sink { return report.NewQuiet(out, false) })
	},
	"github": func(scene) (engine.Sink, func(engine.Result) string) {
		return one(func(out *bytes.Buffer) engine.Sink {
			g := report.NewGitHub(out, false, "")
			g.SetToken("TOKEN")
			return g
		})
	},
	"junit": func(scene) (engine.Sink, func(engine.Result) string) {
		capture := report.NewCapture()
		return capture, func(r engine.Result) string {
			var b bytes.Buffer
			if err := report.WriteJUnit(&b, r, capture); err != nil {
				return err.Error()
			}
			return b.String()
		}
	},
	"html": func(scene) (engine.Sink, func(engine.Result) string) {
		page := report.NewHTML()
		return page, func(r engine.Result) string {
			var b bytes.Buffer
			if err := page.Write(&b, r); err != nil {
				return err.Error()
			}
			return b.String()
		}
	},
	"stepsummary": func(scene) (engine.Sink, func(engine.Result) string) {
		return engine.SinkFunc(func(engine.Event) {}), func(r engine.Result) string {
			var b bytes.Buffer
			if err := report.WriteStepSummary(&b, r); err != nil {
				return err.Error()
			}
			return b.String()
		}
	},
	"result": func(scene) (engine.Sink, func(engine.Result) string) {
		return engine.SinkFunc(func(engine.Event) {}), func(r engine.Result) string {
			var b bytes.Buffer
			if err := report.WriteResult(&b, r); err != nil {
				return err.Error()
			}
			return b.String()
		}
	},
}

func one(make func(out *bytes.Buffer) engine.Sink) (engine.Sink, func(engine.Result) string) {
	var out bytes.Buffer
	return make(&out), func(engine.Result) string { return out.String() }
}

func two(make func(out, diag *bytes.Buffer) engine.Sink) (engine.Sink, func(engine.Result) string) {
	var out, diag bytes.Buffer
	return make(&out, &diag), func(engine.Result) string {
		return "--- out\n" + out.String() + "--- diag\n" + diag.String()
	}
}

// TestGolden compares the output of every reporter in every scene with a file. Control characters are made visible.
func TestGolden(t *testing.T) {
	visible := strings.NewReplacer("\x1b", "␛", "\r", "␍", "\x00", "␀", "\xff", `\xff`)
	for sceneName, s := range scenes() {
		for name, open := range reporters {
			t.Run(sceneName+"/"+name, func(t *testing.T) {
				sink, text := open(s)
				got := visible.Replace(text(s.play(t, sink)))
				golden(t, filepath.Join("testdata", sceneName+"."+name+".golden"), got)
			})
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: make it with `go test ./engine/report -update` and review it", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, run `go test ./engine/report -update`\n--- got\n%s\n--- want\n%s", path, got, want)
	}
}
