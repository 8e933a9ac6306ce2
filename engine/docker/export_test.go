package docker

import "time"

// ReconnectWithin sets how long ktask tries to reach an engine that it has lost. It is not an Option: only a test knows
// whether and when the engine comes back.
func (e *Engine) ReconnectWithin(d time.Duration) { e.reconnectWithin = d }

// StalledAfter sets how long a pull may make no progress.
func (e *Engine) StalledAfter(d time.Duration) { e.stalledAfter = d }

// MessagesInCompanions lets ktask treat the engine as one that shares no files with this machine.
func (e *Engine) MessagesInCompanions() { e.messages.Store(messagesInCompanions) }

// Host returns the address of the engine.
func (e *Engine) Host() string { return e.endpoint.Host }

// WithoutLog lets ktask treat the engine as one that records no output.
func (e *Engine) WithoutLog() { e.logDriver.Store(int32(noLog)) }
