package docker

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/docker/docker/api/types/container"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// attempt is one container from its creation to its removal. One goroutine changes it; those that read the output and wait
// for the end only read what is set before they start, and set wasLost.
type attempt struct {
	engine    *Engine
	container plan.Container
	image     imageFacts
	request   request
	// keeper holds the volumes that the attempts of the task share; it is nil if they share none.
	keeper *keeper
	// messageFile or porter carries the termination message; both are nil if there is none.
	messageFile *messageFile
	porter      *companion
	// copies is true if the files are to be copied and not mounted.
	copies bool
	out    engine.Output
	// prepared is nil if the container is created and started as the task's.
	prepared *prepared
	// terminal is nil if the container has no user.
	terminal *terminal
	// stream and exited are set from the start to the end of the container.
	stream *stream
	exited *exitWait
	// head is the beginning of the output.
	head head
	// killed is closed when the run is killed.
	killed <-chan struct{}
	// wasLost is true if the engine was out of reach for a while.
	wasLost atomic.Bool
	// mayRun is true if the container has been started and is not known to have ended.
	mayRun bool
	// gone is true if the engine was lost and has not come back.
	gone bool
	// id is the container's id, its name if the engine has not answered yet, and "" if there is no container.
	id string
	// volumes are the names of the volumes that may be on the engine.
	volumes []string
}

// Run runs one attempt: create, copy the files in, attach, register the wait, start, read the output to its end, wait,
// inspect, remove. Cancellation during create or start takes effect after the engine has answered, so that no container is
// left that ktask does not remove.
func (e *Engine) Run(ctx context.Context, c plan.Container, labels engine.Labels, out engine.Output) (exit engine.Exit, err error) {
	killed, leave, err := e.enter(ctx, c, labels)
	if err != nil {
		return engine.Exit{}, err
	}
	defer func() { err = leave(err) }()
	ready, done := e.readied.take(labels), func() {}
	if ready == nil {
		ready, done = e.takeWarm(ctx, c, labels)
	}
	if ready != nil {
		exit, ran, err := ready.become(ctx, out, killed)
		if err == nil {
			done()
		}
		if ran || err != nil {
			return exit, err
		}
	}
	return e.runNew(ctx, labels, func() *attempt {
		return &attempt{engine: e, container: c, out: out, killed: killed}
	})
}

// enter begins a call of Run. leave ends it, and adds its error to that of the call.
func (e *Engine) enter(ctx context.Context, c plan.Container, labels engine.Labels) (killed <-chan struct{}, leave func(error) error, err error) {
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	unwatch := e.watchStop(ctx)
	killed, unjoin := e.switches.join(labels.Run)
	release, err := e.holdParts(ctx, c, labels)
	if err != nil {
		unjoin()
		unwatch()
		return nil, nil, err
	}
	return killed, func(err error) error {
		defer unwatch()
		defer unjoin()
		return errors.Join(err, release(ctx))
	}, nil
}

// runNew runs an attempt in a container that it creates.
func (e *Engine) runNew(ctx context.Context, labels engine.Labels, newAttempt func() *attempt) (engine.Exit, error) {
	copies := false
	for {
		a := newAttempt()
		a.copies = copies
		exit, err := a.carryOut(ctx, labels)
		switch {
		case a.refusesMessageFile(err):
			e.messages.Store(messagesInVolumes) // so no later attempt comes here
		case a.refusesFiles(err):
			copies = true // so the next one does not come here
		default:
			return exit, err
		}
	}
}

// carryOut runs the attempt, and removes what it has created.
func (a *attempt) carryOut(ctx context.Context, labels engine.Labels) (exit engine.Exit, err error) {
	a.messageFile = a.newMessageFile(ctx, labels.Run)
	defer func() { a.messageFile.remove() }() // it may be set later
	if err := a.convert(ctx, labels); err != nil {
		return engine.Exit{}, err
	}
	bound := a.bindFiles()
	defer func() { exit, err = a.conclude(ctx, exit, err) }()
	if err := a.create(ctx); err != nil {
		if exit, ok := startFailure(err, a.container); ok {
			return exit, nil
		}
		return engine.Exit{}, err
	}
	if !bound {
		err = a.fill(ctx, a.container.Files)
	}
	if err == nil {
		exit, err = a.run(ctx)
	}
	return exit, a.removedByOthers(ctx, lost(err))
}

// conclude removes the container and returns the result of the attempt. The container is removed before Run returns: the
// contract requires that nothing is left.
func (a *attempt) conclude(ctx context.Context, exit engine.Exit, err error) (engine.Exit, error) {
	a.gone = hasReason(err, engine.EngineLost)
	if failure := a.remove(ctx, err != nil || exit.Code != 0); failure != nil {
		err = errors.Join(err, failure)
	}
	if exit.Reason == engine.WrongArchitecture {
		exit.Message += "; the image is for " + a.image.platform
	}
	return exit, err
}

// convert sets the request. It asks the engine only for what this container depends on.
func (a *attempt) convert(ctx context.Context, labels engine.Labels) (err error) {
	known := facts{logDriver: a.engine.firstLogDriver(), messageFile: a.messageFile.path()}
	if needsMemory(a.container) || needsCPUs(a.container) {
		if known.machine, err = a.engine.machine(ctx); err != nil {
			return err
		}
	}
	known.image, _ = a.engine.images.known(imageKey{a.container.Image, a.container.Platform})
	if needsImage(a.container) {
		if known.image, err = a.engine.imageOf(ctx, a.container); err != nil {
			return err
		}
	}
	if a.keeper = a.engine.keepers.of(labels); a.keeper != nil {
		if err := a.keeper.check(ctx, labels.Attempt); err != nil {
			return err
		}
		known.shared = true
	}
	if a.container.Compose != "" {
		if a.container.Network, err = a.engine.joinProject(ctx, a.container.Compose); err != nil {
			return err
		}
	}
	if known.extraHosts, err = a.engine.hosts(ctx, a.container.Network); err != nil {
		return err
	}
	a.image = known.image
	a.request, err = convert(a.container, labels, known)
	if a.terminal != nil && err == nil {
		a.request.startShell(arguments(a.container, a.image), a.terminal.AfterFailure)
	}
	return err
}

// run starts the container and waits until it has ended and all its output has been forwarded.
func (a *attempt) run(ctx context.Context) (engine.Exit, error) {
	defer a.letGo()
	exit, failed, err := a.begin(ctx)
	if failed || err != nil {
		return exit, err
	}
	if err := a.terminal.begin(ctx, a); err != nil {
		return engine.Exit{}, err
	}
	return a.follow(ctx)
}

// begin attaches to the container, registers the wait for its end and starts it. failed reports that its command cannot be
// executed; the Exit then says why.
func (a *attempt) begin(ctx context.Context) (exit engine.Exit, failed bool, err error) {
	a.stream, err = a.attach(ctx)
	if exit, failed = a.startFailed(err); failed { // podman creates the process when a client attaches
		return exit, true, nil
	}
	if err != nil {
		return engine.Exit{}, false, a.advised(err)
	}
	if a.exited, err = a.wait(ctx); err != nil {
		return engine.Exit{}, false, err
	}
	if err := context.Cause(ctx); err != nil {
		return engine.Exit{}, false, err
	}
	a.mayRun = true
	err = a.start(ctx)
	if exit, failed = a.startFailed(err); failed {
		return exit, true, nil
	}
	if err != nil {
		return engine.Exit{}, false, a.advised(err)
	}
	if a.prepared == nil || !a.prepared.handedOver {
		a.messageFile.unlink()
	}
	a.exited.begin()
	return engine.Exit{}, false, nil
}

// follow waits until the container has ended and all its output has been forwarded.
func (a *attempt) follow(ctx context.Context) (engine.Exit, error) {
	if a.out.Started != nil {
		a.out.Started()
	}
	stopped, err := a.await(ctx, a.exited, a.stream.ended)
	if err != nil {
		return engine.Exit{}, err
	}
	// The three take the time of one of them.
	var found container.InspectResponse
	var failed, unread error
	var asked sync.WaitGroup
	asked.Go(func() { found, failed = a.state(context.WithoutCancel(ctx)) })
	asked.Go(func() { unread = a.readMessage(ctx) })
	err = a.stream.finish()
	asked.Wait()
	if err = cmp.Or(err, failed); err != nil {
		return engine.Exit{}, err
	}
	exit, err := a.ended(ctx, found, stopped)
	exit.Stopped = stopped
	return exit, cmp.Or(err, unread)
}

// letGo ends what begin has begun on this side.
func (a *attempt) letGo() {
	if a.exited != nil {
		a.exited.drop()
	}
	if a.stream != nil {
		a.stream.end()
	}
	a.terminal.end()
}
