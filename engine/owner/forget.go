package owner

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// settling is longer than an engine goes on with a request of a process that has been killed.
const settling = 10 * time.Second

// foundDead is the end of a file whose run has been found dead.
const foundDead = "\ndead"

// On notes in the claim's file which engine the run is on. ForgetDead needs the note.
func (c *Claim) On(engine string) {
	if c != nil && engine != "" {
		_ = os.WriteFile(c.file.Path(), []byte(engine+"\n"+c.run), 0o600) // without the note the file stays
	}
}

// ForgetDead removes the files of runs on an engine that are Dead and of which nothing remains there, and returns these runs. The
// engine may still be creating something for a run that was just killed, so a file is removed if it is found twice, with some time
// between.
func (r Runs) ForgetDead(engine string, remains func(run string) bool) (forgotten []string) {
	if r.dir == "" || engine == "" || r.private() != nil {
		return nil
	}
	files, _ := os.ReadDir(r.dir) // what cannot be read stays
	for _, f := range files {
		path := filepath.Join(r.dir, f.Name())
		content, _ := os.ReadFile(path)
		on, run, _ := strings.Cut(string(content), "\n")
		run, again := strings.CutSuffix(run, foundDead)
		if on != engine || r.path(run) != path || r.Fate(run) != Dead || remains(run) {
			continue
		}
		switch info, err := f.Info(); {
		case !again:
			markDead(path, len(content))
		case err == nil && time.Since(info.ModTime()) >= settling:
			r.Forget(run)
			forgotten = append(forgotten, run)
		}
	}
	return forgotten
}

// markDead writes the end of a file that has a number of bytes, unless another process has removed the file.
func markDead(path string, length int) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	_, _ = file.WriteAt([]byte(foundDead), int64(length)) // without it the file stays
	_ = file.Close()
}
