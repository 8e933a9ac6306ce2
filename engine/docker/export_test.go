package docker

import "time"

// ReconnectWithin sets how long an engine that is lost is waited for. It is no Option, since nobody but a test knows when
// an engine comes back, or that it never does.
func (e *Engine) ReconnectWithin(d time.Duration) { e.reconnectWithin = d }
