// Package owner knows which runs are at work on this machine.
//
// In comes the id of a run, out goes a Fate. An engine may be shared: by users, by parallel runs, by containers and by
// machines, also by machines that are copies of each other. So the proof is something that two of them cannot share:
// a file on this machine that the run has locked. The kernel releases the lock when the process ends, whatever ends
// it. A run without such a file here is Unknown, which is all that this machine can know of it.
package owner

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Fate is what is known of a run.
type Fate int

// The values of Fate.
const (
	// Unknown is a run of another machine, container or user, or one from before the machine was started.
	Unknown Fate = iota
	Alive
	// Dead is a run of this machine whose process has ended.
	Dead
)

// String returns the fate as a word.
func (f Fate) String() string { return [...]string{"unknown", "alive", "dead"}[f] }

// Runs are the runs of one user on this machine. They are safe for concurrent use, also by several processes. The zero
// value knows no run and claims none.
type Runs struct{ dir string }

// In returns the runs whose files are in dir, which should be on a disk of this machine and need not exist. Files of
// another boot do not count, so a directory that machines share after all proves nothing wrong.
func In(dir string) Runs {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // other systems than Linux have none
	return Runs{filepath.Join(dir, hashed(strings.TrimSpace(string(boot))))}
}

// Claim is the lock of a run that is at work. A nil Claim is none.
type Claim struct {
	run  string
	file *flock.Flock
}

// Claim locks the file of a run. It is called before anything of the run is on an engine, and once a run.
func (r Runs) Claim(run string) (*Claim, error) {
	if r.dir == "" {
		return nil, nil
	}
	if _, err := r.Directory(); err != nil {
		return nil, fmt.Errorf("note that the run is at work: %w", err)
	}
	file := flock.New(r.path(run))
	locked, err := file.TryLock()
	if err == nil && !locked {
		err = errors.New("another process is at work on it")
	}
	if err != nil {
		return nil, fmt.Errorf("note that run %s is at work: %w", run, err)
	}
	return &Claim{run, file}, nil
}

// Directory returns the directory of the runs, which only this user can enter. It creates the directory.
func (r Runs) Directory() (string, error) {
	if r.dir == "" {
		return "", errors.New("runs are not recorded")
	}
	for _, dir := range []string{filepath.Dir(r.dir), r.dir} { // nothing is made in a directory that somebody else has put there
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if err := private(dir); err != nil {
			return "", err
		}
	}
	return r.dir, nil
}

// Leave ends the claim and leaves its file: the run is then Dead, and not Unknown. It is for runs of which something
// stays on the engine.
func (c *Claim) Leave() {
	if c != nil {
		_ = c.file.Unlock()
	}
}

// Release ends the claim of a run of which nothing stays on the engine.
func (c *Claim) Release() {
	if c == nil {
		return
	}
	err := os.Remove(c.file.Path())
	_ = c.file.Unlock()
	if err != nil { // Windows removes no file that is open
		_ = os.Remove(c.file.Path())
	}
}

// Fate returns what is known of a run. The id may come from anywhere.
func (r Runs) Fate(run string) Fate {
	path := r.path(run)
	if info, err := os.Lstat(path); r.dir == "" || err != nil || !info.Mode().IsRegular() || r.private() != nil {
		return Unknown
	}
	file := flock.New(path, flock.SetFlag(os.O_RDONLY)) // which makes no file
	locked, err := file.TryLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Unknown // the run has ended just now, by itself
	case err != nil:
		return Unknown
	case !locked:
		return Alive
	}
	_ = file.Unlock()
	return Dead
}

// Forget removes the file of a run that is Dead and of which nothing is left.
func (r Runs) Forget(run string) {
	if r.dir != "" {
		_ = os.Remove(r.path(run))
	}
}

func (r Runs) path(run string) string { return filepath.Join(r.dir, hashed(run)) }

// private returns an error if somebody else could make, lock or remove files in the directories.
func (r Runs) private() error {
	return errors.Join(private(filepath.Dir(r.dir)), private(r.dir))
}

func private(dir string) error {
	info, err := os.Lstat(dir)
	if err == nil && !(info.IsDir() && own(info)) {
		err = fmt.Errorf("%s is not a directory of this user alone (remove it)", dir)
	}
	return err
}

// hashed makes a file name of any text.
func hashed(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:32] }
