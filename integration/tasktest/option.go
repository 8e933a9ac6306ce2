package tasktest

import (
	"time"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/local"
)

// Option changes what Run does.
type Option func(*options)

type options struct {
	local.Options
	expect    engine.Status
	hostPorts []int
}

// Task selects tasks by name. Without it, the tasks that `ktask run` selects are run.
func Task(names ...string) Option {
	return func(o *options) { o.Tasks = append(o.Tasks, names...) }
}

// Network joins the tasks to a network of the engine, such as one of testcontainers' network.New.
func Network(name string) Option { return func(o *options) { o.Network = name } }

// Param sets a parameter of the tasks, in place of the manifest's value.
func Param(key, value string) Option { return func(o *options) { set(&o.Params, key, value) } }

// Env sets an environment variable of the tasks, in place of the manifest's value.
func Env(name, value string) Option { return func(o *options) { set(&o.Env, name, value) } }

// Secret sets a key of a secret, NAME or NAME/KEY; without a key it is SECURE_DATA. The value is masked in all output.
func Secret(name, value string) Option { return func(o *options) { set(&o.Secrets, name, value) } }

// Timeout limits the time of each task, in place of the manifest's timeout.
func Timeout(d time.Duration) Option { return func(o *options) { o.Timeout = d } }

// Expect sets the status that the run must have; without it, that is Passed.
func Expect(s engine.Status) Option { return func(o *options) { o.expect = s } }

// HostPortAccess lets the tasks reach ports of this machine's loopback interface, such as that of an httptest.Server, as
// host.testcontainers.internal:PORT. Servers that listen on all interfaces do not need it. During the run, other containers of
// this machine can reach the ports, too. The engine must be on this machine, or make the loopback interface reachable itself,
// as Docker Desktop does.
func HostPortAccess(ports ...int) Option {
	return func(o *options) { o.hostPorts = append(o.hostPorts, ports...) }
}

// Configure changes the options of package local for which this package has no own: images, retries, mounts, and others.
// Those that select the engine have the values of testcontainers-go already.
func Configure(change func(*local.Options)) Option {
	return func(o *options) { change(&o.Options) }
}

func set(values *map[string]string, key, value string) {
	if *values == nil {
		*values = map[string]string{}
	}
	(*values)[key] = value
}
