// Package runtimes says what a deno or python task is as a container.
//
// Its input is what a definition has (code, parameters, context, secret), its output what the container needs: image,
// script path and environment, and the build contexts of ktask's own images. These are tables and pure functions. Nothing here runs or looks up anything.
package runtimes

import (
	"embed"
	"io/fs"
	"strings"

	"github.com/ktask/ktask/engine/plan"
)

//go:embed deno python
var contexts embed.FS

// Context returns the build context of ktask's own image of a runtime. Its Dockerfile takes the arguments BASE, a Debian, and for deno
// also DENO, an image with the file /deno.
func (r Runtime) Context() fs.FS {
	files, _ := fs.Sub(contexts, string(r.Name)) // the names are valid
	return files
}

// Bases returns the images on which Context is built unless the arguments of the same names say otherwise: all arguments of its
// Dockerfile are images.
func (r Runtime) Bases() map[string]string {
	dockerfile, _ := fs.ReadFile(r.Context(), "Dockerfile") // it is embedded
	all := map[string]string{}
	for line := range strings.Lines(string(dockerfile)) {
		if argument, ok := strings.CutPrefix(line, "ARG "); ok {
			name, image, _ := strings.Cut(strings.TrimSpace(argument), "=")
			all[name] = image
		}
	}
	return all
}

// OwnImage is the name that `ktask images build` gives ktask's own image of a runtime. The tag is not latest: an image with that tag
// would be pulled.
func (r Runtime) OwnImage() string { return "ktask.local/" + string(r.Name) + "-runtime:local" }

// ContainerName is what Keptn calls the container of a deno or python task.
const ContainerName = "keptn-function-runner"

// Runtime is a predefined runner.
type Runtime struct {
	Name plan.Runtime
	// Image is Keptn's published image; ImageVariable is the environment variable with which Keptn's operator,
	// and ktask, choose another one.
	Image         string
	ImageVariable string
	// ScriptPath is where the code is mounted.
	ScriptPath string
}

// ByName returns the runtime of a runner; ok is false for all but deno and python.
//
// Images and variables are those of the lifecycle-operator's chart/values.yaml, the paths those of its
// controllers/common/taskdefinition/handler.go.
func ByName(name plan.Runtime) (r Runtime, ok bool) {
	switch name {
	case plan.RuntimeDeno:
		return Runtime{name, "ghcr.io/keptn/deno-runtime:v3.0.1", "FUNCTION_RUNNER_IMAGE", "/var/data/function.ts"}, true
	case plan.RuntimePython:
		return Runtime{name, "ghcr.io/keptn/python-runtime:v1.0.8", "PYTHON_RUNNER_IMAGE", "/var/data/function.py"}, true
	}
	return Runtime{}, false
}

// Inputs are the values of a function task's environment. Data and SecureData are nil if there is none.
type Inputs struct {
	Data       *plan.EnvVar
	Context    plan.EnvVar
	CmdArgs    plan.EnvVar
	SecureData *plan.EnvVar
	Script     plan.EnvVar
}

// Env names the inputs and puts them in the order in which Keptn declares them, which matters to $(NAME):
// lifecycle-operator/controllers/lifecycle/keptntask/runtime_builder.go, CreateContainer.
func Env(in Inputs) []plan.EnvVar {
	var env []plan.EnvVar
	add := func(name string, v *plan.EnvVar) {
		if v != nil {
			v.Name = name
			env = append(env, *v)
		}
	}
	add("DATA", in.Data)
	add("KEPTN_CONTEXT", &in.Context)
	add("CMD_ARGS", &in.CmdArgs)
	add("SECURE_DATA", in.SecureData)
	add("SCRIPT", &in.Script)
	return env
}
