package tasktest

import (
	"errors"
	"slices"

	"github.com/ktask/ktask/engine"
)

// remedies are what a test can change, for the options that remedies name.
var remedies = map[engine.Option]string{
	engine.OptionHost:     "name another engine with DOCKER_HOST or docker.host in ~/.testcontainers.properties",
	engine.OptionPlatform: "use tasktest.Configure to set Platform",
	engine.OptionImage:    "run another image, with Images in tasktest.Configure",
	engine.OptionDeno:     "build ktask's own image with `ktask images build deno`, and name it with DenoImage in tasktest.Configure or FUNCTION_RUNNER_IMAGE",
	engine.OptionPython:   "build ktask's own image with `ktask images build python`, and name it with PythonImage in tasktest.Configure or PYTHON_RUNNER_IMAGE",
	engine.OptionSecrets:  "add the Secret of its imagePullSecrets to the manifests",
	engine.OptionNetwork:  "give tasktest.Network a network that the engine has, or none, host or bridge",
	engine.OptionMounts:   "check Mounts in tasktest.Configure: a source must exist on the engine's machine",
	engine.OptionParams:   "pass tasktest.Param(NAME, VALUE)",
	engine.OptionPids:     "let the task start fewer processes",
	engine.OptionOffline:  "set Pull with tasktest.Configure, to pull images that are missing",
	engine.OptionPull:     "set Pull with tasktest.Configure, to use the image that the engine has",
	engine.OptionTimeout:  "give a longer tasktest.Timeout",
}

func remedy(r engine.Remedy) string { return r.With(remedies[r.Option]) }

// explain returns the text of an error, with its remedy.
func explain(err error) string {
	text := err.Error()
	if failure, ok := errors.AsType[*engine.Error](err); ok && failure.Remedy.Known() {
		text += "\n  fix: " + remedy(failure.Remedy)
	}
	return text
}

// withRemedies forwards events. In the result of the run, remedies are for a test, not for the command line.
func withRemedies(to engine.Sink) engine.Sink {
	return engine.SinkFunc(func(e engine.Event) {
		if finished, ok := e.(engine.RunFinished); ok {
			finished.Result.Tasks = slices.Clone(finished.Result.Tasks)
			for i, t := range finished.Result.Tasks {
				finished.Result.Tasks[i].Remedy = engine.Remedy{Text: remedy(t.Remedy)}
			}
			e = finished
		}
		to.Emit(e)
	})
}
