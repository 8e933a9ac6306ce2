package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

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
	out         engine.Output
	// prepared is nil if the container is created and started as the task's.
	prepared *prepared
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
	if ctx.Err() != nil {
		return engine.Exit{}, context.Cause(ctx)
	}
	defer e.watchStop(ctx)()
	killed, leave := e.switches.join(labels.Run)
	defer leave()
	release, err := e.holdParts(ctx, c, labels)
	if err != nil {
		return engine.Exit{}, err
	}
	defer func() { err = errors.Join(err, release(ctx)) }()
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
	a := &attempt{engine: e, container: c, out: out, killed: killed}
	exit, err = a.carryOut(ctx, labels)
	if a.refusesMessageFile(err) {
		e.messages.Store(messagesInVolumes)
		a = &attempt{engine: e, container: c, out: out, killed: killed}
		exit, err = a.carryOut(ctx, labels)
	}
	return exit, err
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
	a.image, _ = a.engine.images.known(imageKey{a.container.Image, a.container.Platform})
	a.request, err = convert(a.container, labels, known)
	return err
}

// run starts the container and waits until it has ended and all its output has been forwarded.
func (a *attempt) run(ctx context.Context) (engine.Exit, error) {
	defer a.letGo()
	exit, failed, err := a.begin(ctx)
	if failed || err != nil {
		return exit, err
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
}

// ended returns how the container ended, from its state: the wait returns the exit code, but neither the times nor the reason.
func (a *attempt) ended(ctx context.Context, found container.InspectResponse, stopped bool) (engine.Exit, error) {
	switch {
	case isGoing(found) && !stopped:
		return engine.Exit{}, a.wasRemoved()
	case !hasEnded(found):
		return engine.Exit{}, &engine.Error{
			Reason: engine.EngineRefused,
			Err:    fmt.Errorf("ask how the container ended: the engine reported that it had ended, and now reports that it is %s", found.State.Status),
			Remedy: a.engine.remedyRefused(),
		}
	}
	a.mayRun = false
	if a.wasLost.Load() && !stopped {
		if err := a.ownEnd(ctx, found); err != nil {
			return engine.Exit{}, err
		}
	}
	digest := ""
	if a.image.id == found.Image { // else the name has moved to another image
		digest = a.image.digest
	}
	if exit, ok := execFailure(found.State.ExitCode, a.head.only(), a.container); ok {
		exit.ImageDigest = digest
		return exit, nil
	}
	exit := engine.Exit{
		Code:        found.State.ExitCode,
		Signal:      signalName(found.State.ExitCode),
		OOMKilled:   found.State.OOMKilled && found.State.ExitCode != 0,
		Started:     engineTime(found.State.StartedAt),
		Finished:    engineTime(found.State.FinishedAt),
		ImageDigest: digest,
	}
	if a.prepared != nil {
		exit.Started = a.prepared.startedAt(exit.Started)
	}
	if exit.Finished.Before(exit.Started) {
		// Engines record the start after the process has started: a short process may have ended by then.
		exit.Finished = exit.Started
	}
	if exit.OOMKilled {
		exit.Reason = engine.OOMKilled
	}
	return exit, nil
}

// engineTime parses a time of the engine. It returns the zero time if the engine has none.
func engineTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
