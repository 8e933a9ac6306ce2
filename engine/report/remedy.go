package report

import "github.com/ktask/ktask/engine"

// Remedy returns a remedy with the flags of the command line.
func Remedy(r engine.Remedy) string { return r.With(flags[r.Option]) }

var flags = map[engine.Option]string{
	engine.OptionHost:     "name another engine with --host, DOCKER_HOST or --docker-context",
	engine.OptionPlatform: "name another platform with --platform",
	engine.OptionImage:    "run another image with --image FROM=TO",
	engine.OptionDeno:     "build ktask's own image with `ktask images build deno`, or name another one with --deno-image or FUNCTION_RUNNER_IMAGE",
	engine.OptionPython:   "build ktask's own image with `ktask images build python`, or name another one with --python-image or PYTHON_RUNNER_IMAGE",
	engine.OptionBase:     "name other images to build on with --base and, for deno, --build-arg DENO=IMAGE",
	engine.OptionBuild:    "see the lines above; if the build cannot reach the packages, try --network host or --build-arg http_proxy",
	engine.OptionSecrets:  "give the task's pull secrets with --secret-file",
	engine.OptionNetwork:  "set --network to none, host, bridge or a network that the engine has (`docker network ls`)",
	engine.OptionMounts:   "check --mount: SRC must exist on the engine's machine, and DST must be a valid place for it in the container",
	engine.OptionParams:   "pass --param NAME=VALUE",
	engine.OptionPids:     "allow more with --pids-limit",
	engine.OptionOffline:  "allow the pull with --pull missing and without --offline, or load the image with `ktask images load`",
	engine.OptionPull:     "use the image that the engine has, with --pull missing",
	engine.OptionTimeout:  "give a longer --timeout",
}
