package docker

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// messageFile is a file of this machine that a container mounts as its termination message, and that is read through its
// open descriptor alone. A nil messageFile is none.
//
// In a directory of its own it costs no time, while a volume costs several requests. Such a file is removed as soon as the
// container mounts it, so no path leads to what the task writes, and a ktask that is killed after that leaves nothing.
type messageFile struct {
	*os.File
	// directory is the file's own, or "" for a file in a volume. Only this user can enter it: a task that runs as root could
	// make the file a program that runs as root.
	directory string
}

// messageFiles is where the files are: in memory, so that a message reaches no disk.
const messageFiles = "/dev/shm"

// messageFilesOf returns what the names of the directories of a run's files begin with. The run may come from anywhere.
func messageFilesOf(run string) string {
	return fmt.Sprintf("%s/ktask-%x-", messageFiles, sha256.Sum256([]byte(run)))
}

// RemoveMessageFiles removes the files of a run that was killed before its containers mounted them.
func RemoveMessageFiles(run string) { removeOlder(messageFilesOf(run), 0) }

// removeOlder removes the files of runs whose names begin with prefix and that have been there for longer than age.
func removeOlder(prefix string, age time.Duration) {
	left, _ := filepath.Glob(prefix + "*") // errors are those of the pattern
	for _, directory := range left {
		if info, err := os.Lstat(directory); err == nil && time.Since(info.ModTime()) >= age {
			_ = os.RemoveAll(directory) // those of another user stay
		}
	}
}

// longestStart is longer than a file has a path. A container whose file is removed too early gets a volume instead.
const longestStart = time.Hour

// createMessageFile returns an empty file that every user may write to, or nil if this machine has no directory for it.
func createMessageFile(run string) *messageFile {
	f := &messageFile{directory: messageFilesOf(run) + rand.Text()}
	if err := os.Mkdir(f.directory, 0o700); err != nil {
		return nil
	}
	var err error
	if f.File, err = createMessage(f.directory); err != nil {
		f.remove()
		return nil
	}
	return f
}

// createMessage creates the empty file in a directory.
func createMessage(directory string) (*os.File, error) {
	f, err := os.OpenFile(path.Join(directory, messageName), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Chmod(0o666) // whatever the umask is
	}
	return f, err
}

// createMessageIn creates the file in a volume, or returns nil if the volume is not on this machine or is closed to this user.
// Its name has the id of the run, so no other machine has that path.
func createMessageIn(volume, mountpoint string) *messageFile {
	if !strings.Contains(mountpoint, "/"+volume+"/") {
		return nil
	}
	f := &messageFile{}
	var err error
	if f.File, err = createMessage(mountpoint); err != nil {
		f.remove()
		return nil
	}
	return f
}

// unlink removes the file's path. What has it open, or mounted, still has the file.
func (f *messageFile) unlink() {
	if f != nil && f.directory != "" {
		_ = os.RemoveAll(f.directory) // nothing but the file and those of bindFiles were ever in it
	}
}

// remove removes the file.
func (f *messageFile) remove() {
	if f != nil {
		f.unlink()
		_ = f.File.Close()
	}
}

// path returns the path of the file, or "" if there is none.
func (f *messageFile) path() string {
	if f == nil {
		return ""
	}
	return f.Name()
}

// read passes the message to take.
func (f *messageFile) read(take func(io.Reader) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > mostMessage {
		return take(tooLarge(info.Size()))
	}
	return take(io.NewSectionReader(f, 0, info.Size()))
}

// newMessageFile returns a file for the container's termination message, or nil if the message needs a volume: if the engine
// may be on another machine, if the container is kept and may be started again, or if a task may write in the file's
// directory.
func (a *attempt) newMessageFile(ctx context.Context, run string) *messageFile {
	kept := a.engine.keep == KeepFailed || a.engine.keep == KeepAlways
	// In another directory the kernel could refuse the file to other users, see protected_regular in proc_sys_fs(5).
	if kept || messagePath(a.container) != defaultMessage || mountsMessageFiles(a.container.Mounts) || !a.engine.takesMessageFiles(ctx) {
		return nil
	}
	return createMessageFile(run)
}

// The values of Engine.messages: how the engine takes a termination message, as far as it is known.
const (
	messagesUnknown int32 = iota
	messagesInFiles
	messagesInVolumes
	messagesInCompanions // set by tests, as if no volume of the engine were on this machine
)

// takesMessageFiles reports whether the engine may be able to mount a file of this machine.
func (e *Engine) takesMessageFiles(ctx context.Context) bool {
	if e.messages.Load() == messagesUnknown {
		found := messagesInVolumes
		// SELinux keeps containers from files without a label for them.
		if _, err := os.Stat("/sys/fs/selinux/enforce"); err != nil && strings.HasPrefix(e.endpoint.Host, "unix://") {
			// Docker refuses to mount a file that it does not find; podman creates a directory in its place.
			if e.do(ctx, "ask what the engine is", once, nil) != nil {
				return false
			}
			if name, _, _ := engineOf(e.said().server); name == "docker" {
				found = messagesInFiles
				removeOlder(messageFiles+"/ktask-", longestStart) // of a ktask that was killed together with its guardian
			}
		}
		e.messages.CompareAndSwap(messagesUnknown, found)
	}
	return e.messages.Load() == messagesInFiles
}

// mountsMessageFiles reports whether a container mounts the directory of the message files.
func mountsMessageFiles(mounts []plan.Mount) bool {
	for _, m := range mounts {
		source, err := filepath.EvalSymlinks(m.Source)
		if err != nil || within(source, messageFiles) || within(messageFiles, source) {
			return true
		}
	}
	return false
}

// within reports whether file is directory or in it. Both are clean.
func within(directory, file string) bool {
	return file == directory || strings.HasPrefix(file, strings.TrimSuffix(directory, "/")+"/")
}

// refusesMessageFile reports whether the engine cannot mount the file, as one that shares a socket with this machine and
// nothing else. Only the text of the error shows it, by a name that is random.
func (a *attempt) refusesMessageFile(err error) bool { return a.refusesMount(err, messageName) }

// refusesFiles reports whether the engine cannot mount a file of the task: the image may have a directory in its place.
func (a *attempt) refusesFiles(err error) bool {
	return a.refusesMount(err, "") && !a.refusesMessageFile(err)
}

func (a *attempt) refusesMount(err error, name string) bool {
	return a.messageFile != nil && a.messageFile.directory != "" && hasReason(err, engine.EngineRefused) && strings.Contains(err.Error(), a.messageFile.directory+"/"+name)
}
