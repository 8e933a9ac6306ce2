package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker/inplace"
	"github.com/ktask/ktask/engine/plan"
)

// Pool has containers that another process has prepared.
type Pool interface {
	// Take returns a container with these needs for this caller alone. The caller calls done when it has removed the container;
	// if it ends without that, the other process removes it. ok is false if there is none.
	Take(needs string) (h Handover, done func(), ok bool)
}

// Handover is what a process has to know of a container that another one has prepared, and that still holds its standard input.
type Handover struct {
	ID, Name, Program string
	Volumes           []string
	// Message is the path of the file for the termination message, and Directory its own directory, or "".
	Message, Directory string
	// Env is the environment of the program.
	Env       []string
	User      *inplace.User
	Home      string
	Marked    time.Time
	LogDriver int32
}

// WarmTask is the task in the labels of containers that are prepared for another process. No task has this name.
const WarmTask = "_warm"

// WarmLifetime is the label of containers that are prepared for another process: longer than a task takes that one of them becomes.
const WarmLifetime = 24 * time.Hour

// needs is all of a plan's container that the engine gets when a container is prepared. What is not in it is sent when the
// container becomes the task.
type needs struct {
	Image, ID                 string
	User, WorkingDir, Network string
	Limits                    plan.Limits
	Security                  plan.Security
	Grace                     time.Duration
	Message                   string
}

// needsOf returns the needs of a container; ok is false if it cannot be prepared by another process.
func (e *Engine) needsOf(c plan.Container) (all string, ok bool) {
	image, known := e.images.known(imageKey{c.Image, c.Platform})
	if !known || len(c.Tmpfs) > 0 || c.Compose != "" || e.notPrepared(c, image, engine.Labels{}) != "" {
		return "", false
	}
	text, err := json.Marshal(needs{
		c.Image, image.id, c.User, c.WorkingDir, c.Network, c.Limits, c.Security, c.Grace, c.TerminationMessage.Path,
	})
	return string(text), err == nil
}

// container returns a container with the needs that runs nothing.
func (n needs) container() plan.Container {
	return plan.Container{
		Image: n.Image, User: n.User, WorkingDir: n.WorkingDir, Network: n.Network, Limits: n.Limits, Security: n.Security, Grace: n.Grace,
		TerminationMessage: plan.TerminationMessage{Path: n.Message},
	}
}

// usedNeeds are the needs of the attempts so far, without repetition. The zero value is ready for use.
type usedNeeds struct {
	mu  sync.Mutex
	all []string
}

func (u *usedNeeds) add(needs string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !slices.Contains(u.all, needs) {
		u.all = append(u.all, needs)
	}
}

// Needs returns the needs of the attempts so far that another process can prepare, if the engine has a Pool.
func (e *Engine) Needs() []string {
	e.used.mu.Lock()
	defer e.used.mu.Unlock()
	return slices.Clone(e.used.all)
}

// takeWarm returns the attempt of a container that another process has prepared, or nil.
func (e *Engine) takeWarm(ctx context.Context, c plan.Container, labels engine.Labels) (a *attempt, done func()) {
	done = func() {}
	if e.pool == nil || labels.Lifetime == 0 || labels.Lifetime > WarmLifetime {
		return nil, done
	}
	needs, ok := e.needsOf(c)
	if !ok {
		return nil, done
	}
	e.used.add(needs)
	h, done, ok := e.pool.Take(needs)
	if !ok {
		return nil, func() {}
	}
	a = e.takeOver(h, c)
	if err := a.rejoin(ctx, h); err != nil {
		if a.discard(ctx) == nil { // else the other process removes it
			done()
		}
		return nil, func() {}
	}
	return a, done
}

// takeOver returns the attempt of a container that another process has prepared.
func (e *Engine) takeOver(h Handover, c plan.Container) *attempt {
	a := &attempt{
		engine: e, container: c, id: h.ID, volumes: h.Volumes, mayRun: true,
		request:  request{name: h.Name, logDriver: logDriver(h.LogDriver)},
		prepared: &prepared{program: h.Program, gate: newGate(h.Program), nonce: newNonce(), user: h.User, home: h.Home, marked: h.Marked, given: h.Env},
	}
	a.image, _ = e.images.known(imageKey{c.Image, c.Platform})
	return a
}

// rejoin attaches to the container, registers the wait for its end, and takes its message file.
func (a *attempt) rejoin(ctx context.Context, h Handover) (err error) {
	if a.messageFile, err = openMessage(h.Message, h.Directory); err != nil {
		return err
	}
	a.messageFile.unlink()
	if a.stream, err = a.attach(ctx); err != nil {
		return err
	}
	if a.exited, err = a.wait(ctx); err == nil {
		a.exited.begin()
	}
	return err
}

// openMessage opens a file that another process of this user has created.
func openMessage(file, directory string) (*messageFile, error) {
	if file == "" {
		return nil, errors.New("the container has no file for its message")
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	return &messageFile{File: f, directory: directory}, err
}

// Warm is a container that is prepared for another process, and whose standard input this one holds.
type Warm struct{ attempt *attempt }

// Warm prepares a container with these needs. The error says why it cannot; nothing is left then.
func (e *Engine) Warm(ctx context.Context, needsText string, labels engine.Labels) (*Warm, error) {
	var n needs
	if err := json.Unmarshal([]byte(needsText), &n); err != nil {
		return nil, err
	}
	c := n.container()
	image, present, err := e.look(ctx, imageKey{c.Image, c.Platform})
	switch {
	case err != nil:
		return nil, err
	case !present || image.id != n.ID:
		return nil, fmt.Errorf("image %q is another one now", n.Image)
	}
	a := e.newPrepared(c)
	a.prepared.handedOver = true
	err = a.prepare(ctx, labels)
	if err == nil && a.messageFile == nil {
		err = errors.New("the engine shares no file with this machine")
	}
	if err != nil {
		return nil, errors.Join(err, a.discard(ctx))
	}
	return &Warm{a}, nil
}

// Handover returns what the other process has to know.
func (w *Warm) Handover() Handover {
	a := w.attempt
	env, _ := a.prepared.gate.environment()
	return Handover{
		ID: a.id, Name: a.request.name, Program: a.prepared.program, Volumes: a.volumes, Message: a.messageFile.path(), Directory: a.messageFile.directory,
		Env: env, User: a.prepared.user, Home: a.prepared.home, Marked: a.prepared.marked, LogDriver: int32(a.request.logDriver),
	}
}

// Ended reports whether the container has ended.
func (w *Warm) Ended() bool { return len(w.attempt.exited.over) > 0 }

// LetGo ends the connections to the container, which another process has removed.
func (w *Warm) LetGo() {
	w.attempt.letGo()
	w.attempt.messageFile.remove()
}

// Discard removes the container.
func (w *Warm) Discard(ctx context.Context) error { return w.attempt.discard(ctx) }
