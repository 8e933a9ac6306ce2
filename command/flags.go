package command

import (
	"github.com/urfave/cli/v2"

	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/resolve"
)

// The groups of flags, which help and the manual page show in this order. A flag without a group is in the last one.
const (
	groupSelect    = "Select"
	groupInputs    = "Inputs"
	groupRetries   = "Retries and time"
	groupContainer = "Container"
	groupEngine    = "Engine"
	groupOutput    = "Output"
)

var groups = [...]string{groupSelect, groupInputs, groupRetries, groupContainer, groupEngine, groupOutput}

// taskFlags returns the flags that run and plan share: which tasks, and what is changed about them.
func taskFlags() []cli.Flag {
	return []cli.Flag{
		taskFlag(), selectorFlag(),
		&cli.StringFlag{Category: groupSelect, Name: "stage", Usage: "tasks of a `STAGE` of a deployment, of apps and their workloads: pre, post or promotion"},
		&cli.StringFlag{Category: groupSelect, Name: "app", Usage: "tasks of app `NAME` and its workloads: of --stage, or of all stages"},
		&cli.StringFlag{Category: groupSelect, Name: "workload", Usage: "tasks of the workload `NAME` (of the object, keptn.sh/workload or KeptnWorkload)"},
		&cli.BoolFlag{Category: groupSelect, Name: "promotion", Usage: "run the promotion tasks, too, after all stages"},
		&cli.BoolFlag{Category: groupSelect, Name: "non-blocking", Usage: "continue after a failed stage, with a warning: like blockDeployment: false"},
		namespaceFlag(), keptnNamespaceFlag(), trackedFlag(), excludeFlag(),

		&cli.StringSliceFlag{Category: groupInputs, Name: "param", Aliases: []string{"p"}, Usage: "set the parameter `K=V`"},
		&cli.StringSliceFlag{Category: groupInputs, Name: "params-file", Usage: "set the parameters in `FILE`, a YAML or JSON map of strings"},
		&cli.StringSliceFlag{Category: groupInputs, Name: "secret", Usage: "give a secret: `NAME[/KEY]=VALUE`, where VALUE may be @FILE or env:VAR and KEY is SECURE_DATA if left out"},
		&cli.StringSliceFlag{Category: groupInputs, Name: "secret-file", Usage: "give the secrets in `FILE`: Secret manifests, or lines of NAME[/KEY]=VALUE without quotes"},
		&cli.StringSliceFlag{Category: groupInputs, Name: "env", Aliases: []string{"e"}, Usage: "set the environment variable `K[=V]`; without =V it is passed on if ktask has it"},
		&cli.StringSliceFlag{Category: groupInputs, Name: "context", Usage: "set a field of KEPTN_CONTEXT: `K=V`, K is a field or metadata.KEY"},
		lenientFlag(),

		&cli.StringFlag{Category: groupRetries, Name: "retries", Usage: "retry a failed attempt at most `N` times"},
		&cli.StringFlag{Category: groupRetries, Name: "timeout", Usage: "stop a task after `D`, which includes all attempts", DefaultText: "5m"},
		&cli.StringFlag{Category: groupRetries, Name: "grace", Usage: "the time `D` from the stop signal to the kill", DefaultText: "5s"},
		&cli.StringFlag{Category: groupRetries, Name: "semantics", Usage: "the `RULES` for retries, waits and timeouts: local or cluster", DefaultText: "local"},
		&cli.StringFlag{Category: groupRetries, Name: "backoff-scale", Usage: "multiply the waits between attempts by `F`", DefaultText: "1"},

		denoImageFlag(), pythonImageFlag(),
		&cli.StringSliceFlag{Category: groupContainer, Name: "image", Usage: "run image TO where a manifest names image FROM: `FROM=TO`"},
		&cli.StringSliceFlag{Category: groupContainer, Name: "mount", Usage: "mount a path of the engine's host: `SRC:DST[:ro]`"},
		&cli.StringFlag{Category: groupContainer, Name: "network", Usage: "the network of the tasks: `NAME`, none, bridge, or host with --allow host-network", DefaultText: "the engine's"},
		&cli.StringFlag{Category: groupContainer, Name: "compose", Usage: "join the default network of the running project `NAME` of Docker Compose, when its services are healthy"},
		&cli.StringFlag{Category: groupContainer, Name: "pids-limit", Usage: "let each task have `N` processes and threads, -1 for no limit", DefaultText: "4096"},
		&cli.StringSliceFlag{Category: groupContainer, Name: "allow", Usage: "let tasks out of their container: `NAME` is " + oneOf(resolve.Allowances()), DefaultText: "nothing"},

		&cli.StringFlag{Category: groupEngine, Name: "pull", Usage: "pull images `WHEN`: missing, always or never", DefaultText: "what the manifest says"},
		&cli.BoolFlag{Category: groupEngine, Name: "offline", Usage: "open no connection but the engine's: images and scripts must be there"},
		&cli.StringFlag{Category: groupEngine, Name: "platform", Usage: "the platform of the images: `OS/ARCH[/VARIANT]`", DefaultText: "the engine's"},
		noColorFlag(),
	}
}

func taskFlag() cli.Flag {
	return &cli.StringSliceFlag{
		Category: groupSelect, Name: "task", Aliases: []string{"t"}, DefaultText: "all",
		Usage: "the KeptnTask or KeptnTaskDefinition `NAME`, NAMESPACE/NAME, a pattern like 'deploy-*', or a list of these with commas",
	}
}

func selectorFlag() cli.Flag {
	return &cli.StringSliceFlag{Category: groupSelect, Name: "selector", Aliases: []string{"l"}, Usage: "tasks with the label `K=V`"}
}

func namespaceFlag() cli.Flag {
	return &cli.StringFlag{Category: groupSelect, Name: "namespace", Aliases: []string{"n"}, Usage: "the namespace `NAME` of manifests that name none", DefaultText: local.DefaultNamespace}
}

func keptnNamespaceFlag() cli.Flag {
	return &cli.StringFlag{Category: groupSelect, Name: "keptn-namespace", Usage: "the namespace `NAME` searched after a task's own", DefaultText: local.DefaultKeptnNamespace}
}

func lenientFlag() cli.Flag {
	return &cli.BoolFlag{Category: groupInputs, Name: "lenient", Usage: "only warn of unknown fields and of what is not supported"}
}

// trackedFlag returns the flag of the commands that read manifests.
func trackedFlag() cli.Flag {
	return &cli.BoolFlag{Category: groupSelect, Name: "tracked", Usage: "in directories, read only files that git tracks"}
}

func excludeFlag() cli.Flag {
	return &cli.StringSliceFlag{Category: groupSelect, Name: "exclude", Usage: "in directories, leave out what matches `GLOB`, like '*-values.yaml' or 'charts/**'"}
}

func lockedFlag() cli.Flag {
	return &cli.BoolFlag{Category: groupInputs, Name: "locked", Usage: "use exactly the images and scripts of ktask.lock, and refuse any other"}
}

// formFlag returns --output of a command with the forms that it has, the default first.
func formFlag(forms ...string) cli.Flag {
	return &cli.StringFlag{Category: groupOutput, Name: "output", Aliases: []string{"o"}, Usage: "the `FORM` of the output: " + oneOf(forms), DefaultText: forms[0]}
}

func noColorFlag() cli.Flag {
	return &cli.BoolFlag{Category: groupOutput, Name: "no-color", Usage: "do not use colors, like NO_COLOR"}
}

func quietFlag(usage string) cli.Flag {
	return &cli.BoolFlag{Category: groupOutput, Name: "quiet", Aliases: []string{"q"}, Usage: usage}
}

func denoImageFlag() cli.Flag {
	return &cli.StringFlag{Category: groupContainer, Name: "deno-image", Usage: "the `IMAGE` of deno tasks", DefaultText: "Keptn's; also FUNCTION_RUNNER_IMAGE"}
}

func pythonImageFlag() cli.Flag {
	return &cli.StringFlag{Category: groupContainer, Name: "python-image", Usage: "the `IMAGE` of python tasks", DefaultText: "Keptn's; also PYTHON_RUNNER_IMAGE"}
}

func engineFlag() cli.Flag {
	return &cli.StringFlag{Category: groupEngine, Name: "engine", Usage: "the `KIND` of engine: docker or kubernetes", DefaultText: "docker"}
}

// engineFlags returns the flags that select an engine.
func engineFlags() []cli.Flag {
	return []cli.Flag{
		engineFlag(),
		&cli.StringFlag{Category: groupEngine, Name: "host", Usage: "the engine's `URL`, like DOCKER_HOST"},
		&cli.StringFlag{Category: groupEngine, Name: "docker-context", Usage: "the docker context `NAME`, like DOCKER_CONTEXT"},
		&cli.StringFlag{Category: groupEngine, Name: "kubeconfig", Usage: "the `FILE` that describes the cluster, like KUBECONFIG"},
		&cli.StringFlag{Category: groupEngine, Name: "kube-context", Usage: "the context `NAME` in it"},
		&cli.StringFlag{Category: groupEngine, Name: "kube-namespace", Usage: "the `NAME` of the cluster's namespace to run in"},
	}
}
