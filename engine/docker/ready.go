package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/docker/docker/api/types/strslice"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker/inplace"
	"github.com/ktask/ktask/engine/plan"
)

// prepared is what an attempt knows about its container that was started before the task: its process 1 is the program of
// package inplace, which waits for the block that describes the task and then becomes it.
//
// The program ends if the block does not come within idleLimit, or if the connection ends. So nothing runs on the engine for long
// if every process of ktask is killed.
type prepared struct {
	// program is its path in the container, which nothing else has.
	program string
	gate    *gate
	// user is nil if the engine starts the container as the task's user, and home is then empty.
	user *inplace.User
	home string
	// nonce is what the program writes if the task has not run.
	nonce string
	// handedOver is true if another process sends the block. In that process, given is the environment of the program.
	handedOver bool
	given      []string
	// marked and begun are when the program was ready, and when the block was sent.
	marked, begun time.Time
}

const (
	// idleLimit is how long a prepared container waits. It is short because the container has the resolv.conf of its start.
	idleLimit = 3 * time.Minute
	// markedWithin is how long the program may take to be ready.
	markedWithin = 2 * time.Second
)

// startedAt returns when the task started by the engine's clock, from the time when the container did by that clock.
func (p *prepared) startedAt(container time.Time) time.Time {
	return container.Add(p.begun.Sub(p.marked))
}

// readied holds the containers that are prepared. The zero value is ready for use.
type readied struct {
	mu       sync.Mutex
	attempts map[readyKey]*attempt
}

type readyKey struct {
	run, task string
	attempt   int
}

func (r *readied) put(l engine.Labels, a *attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attempts == nil {
		r.attempts = map[readyKey]*attempt{}
	}
	r.attempts[readyKey{l.Run, l.Task, l.Attempt}] = a
}

// take returns what is prepared for an attempt, for this caller alone, or nil.
func (r *readied) take(l engine.Labels) *attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := readyKey{l.Run, l.Task, l.Attempt}
	a := r.attempts[key]
	delete(r.attempts, key)
	return a
}

// Ready starts a container that becomes the attempt when Run is called. It prepares nothing for a container that needs what
// only the engine can do at the start.
func (e *Engine) Ready(ctx context.Context, c plan.Container, labels engine.Labels) (release func(context.Context) error, err error) {
	release = func(context.Context) error { return nil }
	image, err := e.imageOf(ctx, c)
	if err != nil || e.notPrepared(c, image, labels) != "" || labels.Attempt == 1 && !e.hasTime(ctx) {
		return release, nil // Run meets the same failure, if it is one
	}
	ctx = context.WithoutCancel(ctx)
	a := e.newPrepared(c)
	err = a.prepare(ctx, labels)
	if a.refusesMessageFile(err) {
		e.messages.Store(messagesInVolumes)
		if err := a.discard(ctx); err != nil {
			return nil, err
		}
		a = e.newPrepared(c)
		err = a.prepare(ctx, labels)
	}
	if err != nil {
		if err := a.discard(ctx); err != nil {
			return nil, err
		}
		return release, nil
	}
	e.readied.put(labels, a)
	return func(ctx context.Context) error {
		if a := e.readied.take(labels); a != nil {
			return a.discard(ctx)
		}
		return nil
	}, nil
}

func (e *Engine) newPrepared(c plan.Container) *attempt {
	program := "/.ktask-" + rand.Text()
	return &attempt{engine: e, container: c, prepared: &prepared{program: program, gate: newGate(program), nonce: newNonce()}}
}

// newNonce returns a text that no output begins with.
func newNonce() string {
	nonce := make([]byte, inplace.NonceBytes)
	_, _ = rand.Read(nonce[1:]) // never fails
	return string(nonce)
}

// notPrepared returns why a container is not prepared, or "".
func (e *Engine) notPrepared(c plan.Container, image imageFacts, labels engine.Labels) string {
	_, hasProgram := inplace.Program(image.architecture, idleLimit)
	hidden := func(f plan.File) bool { return !isInRoot(c, f) || decidesUser(f) }
	if why := c.Unprepared(); why != "" {
		return why
	}
	switch {
	case e.keep == KeepFailed, e.keep == KeepAlways:
		return "its container may be kept"
	case !hasProgram:
		return fmt.Sprintf("its image is built for %s", image.architecture)
	case slices.ContainsFunc(c.Files, hidden):
		return "one of its files is in a mount, or decides who the user is"
	case len(c.Tmpfs) > 0 && e.keepers.of(labels) == nil:
		return "its volumes are created with it"
	case labels.Attempt == 1 && c.PullPolicy == plan.PullAlways:
		return "its image is pulled first"
	}
	return ""
}

// prepare creates and starts the container, and returns when its program waits.
func (a *attempt) prepare(ctx context.Context, labels engine.Labels) error {
	p := a.prepared
	if labels.Lifetime > 0 {
		labels.Lifetime += idleLimit
	}
	a.messageFile = a.newMessageFile(ctx, labels.Run)
	if err := a.convert(ctx, labels); err != nil {
		return err
	}
	as := a.request.config.User
	if as == "" {
		as = a.image.user
	}
	becomes := !slices.Contains([]string{"", "0", "root"}, userID(as))
	if becomes && !mayBecome(a.container.Security) {
		return errors.New("the container lacks a capability to become its user")
	}
	a.request.prepare(p.program, becomes)
	if err := a.create(ctx); err != nil {
		return err
	}
	if !a.recorded() { // then nothing shows whether the task has run if the stream breaks
		return errors.New("the engine records no output")
	}
	content, _ := inplace.Program(a.image.architecture, idleLimit)
	if err := a.fill(ctx, []plan.File{{Path: p.program, Mode: 0o555, Content: content}}); err != nil {
		return err
	}
	if becomes {
		if err := a.lookUpUser(ctx, as); err != nil {
			return err
		}
	}
	_, failed, err := a.begin(ctx)
	if failed {
		err = errors.New("the program cannot be executed")
	}
	if err != nil {
		return err
	}
	limit := time.NewTimer(markedWithin)
	defer limit.Stop()
	select {
	case <-p.gate.marked:
		p.marked = time.Now()
	case <-limit.C:
	}
	if _, ok := p.gate.environment(); !ok {
		return errors.New("the program did not say that it is ready")
	}
	if a.wasLost.Load() { // after the task it would not be known whether the engine has ended it
		return errors.New("the engine was out of reach")
	}
	return nil
}

// prepare replaces what the block has.
func (r *request) prepare(program string, becomes bool) {
	r.config.Entrypoint, r.config.Cmd, r.config.Env = strslice.StrSlice{program}, strslice.StrSlice{}, nil
	r.config.OpenStdin, r.config.StdinOnce, r.config.AttachStdin = true, true, true
	if becomes {
		r.config.User = "0:0"
	}
}

// become tells the program to become the task, and waits for its end. ran is false if the task has not run: then nothing is left
// of the container, or err says what is.
func (a *attempt) become(ctx context.Context, out engine.Output, killed <-chan struct{}) (exit engine.Exit, ran bool, err error) {
	a.out, a.killed = out, killed
	if !a.tell() {
		return engine.Exit{}, false, a.discard(ctx)
	}
	defer func() { a.messageFile.remove() }()
	exit, err = a.follow(ctx)
	a.letGo()
	if ran := a.prepared.gate.close(); !ran && err == nil {
		return engine.Exit{}, false, a.discard(ctx)
	}
	exit, err = a.conclude(ctx, exit, a.removedByOthers(ctx, lost(err)))
	return exit, true, err
}

// tell sends the block to the program. It reports whether all of it was sent: before that the program does nothing.
func (a *attempt) tell() bool {
	p := a.prepared
	env, ok := p.gate.environment()
	if !ok || len(a.exited.over) > 0 {
		return false
	}
	exec, err := a.execOf(env)
	if err != nil {
		return false
	}
	block, err := exec.Block()
	if err != nil {
		return false
	}
	p.gate.open(a.head.of(a.out.Stdout), a.head.of(a.out.Stderr), p.nonce)
	p.begun = time.Now()
	return a.stream.conn.send(block, a.engine.answerWithin) == nil
}

// discard removes the container.
func (a *attempt) discard(ctx context.Context) error {
	a.letGo()
	a.messageFile.remove()
	return a.remove(ctx, false)
}
