package report

import "github.com/ktask/ktask/engine"

// Remedy returns a remedy with the flags of the command line.
func Remedy(r engine.Remedy) string { return r.With(flags[r.Option]) }

var flags = map[engine.Option]string{
	engine.OptionHost:     "name another engine with --host, DOCKER_HOST or --docker-context",
	engine.OptionPlatform: "name another platform with --platform",
	engine.OptionImage:    "run another image with --image FROM=TO",
	engine.OptionNetwork:  "set --network to none, host, bridge or a network that the engine has (`docker network ls`)",
	engine.OptionMounts:   "check --mount: SRC must exist on the engine's machine, and DST must be a valid place for it in the container",
	engine.OptionParams:   "pass --param NAME=VALUE",
	engine.OptionPids:     "allow more with --pids-limit",
	engine.OptionOffline:  "allow the pull with --pull missing and without --offline, or load the image with `ktask images load`",
	engine.OptionPull:     "use the image that the engine has, with --pull missing",
	engine.OptionTimeout:  "give a longer --timeout",
}
