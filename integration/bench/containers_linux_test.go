package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/integration/engines"
)

const exitOf, outputOf, cpuOf = "exit", "first output", "client CPU"

// cold compares a task in busybox with docker run on the machine's Docker.
func cold(b *testing.B, l *lab) experiment {
	return experiment{engine: l.docker, commands: l.echo(b, []string{"docker"}), rows: []quantity{
		{title: "echo in busybox: " + exitOf, against: "`docker run --rm`", take: value(end).pair(1),
			target: Target{Limit: 1.00, Obstacle: "ktask makes the same requests to the engine as docker does, and starts a guardian, which takes CPU from the engine on a machine with few cores."}},
		{title: "echo in busybox: " + outputOf, against: "`docker run --rm`", take: value(first).pair(1)},
		{title: "echo in busybox: " + cpuOf, against: "`docker run --rm`", take: value(cpu).pair(1),
			target: Target{Limit: 1.00, Obstacle: "The packages of Docker and Kubernetes take 4 ms to be initialized, and the guardian is a second process."}},
	}}
}

// warm is cold with a container that an earlier run has left.
func warm(b *testing.B, l *lab) experiment {
	return experiment{engine: l.docker, commands: l.prepared(b, 1, l.echo(b, []string{"docker"}, "--warm", "1")), rows: []quantity{
		{title: "echo in busybox, --warm 1: " + exitOf, against: "`docker run --rm`", take: value(end).pair(1),
			target: Target{Limit: 0.25, Obstacle: "The engine ends and removes the container before the exit is known."}},
		{title: "echo in busybox, --warm 1: " + outputOf, against: "`docker run --rm`", take: value(first).pair(1),
			target: Target{Limit: 0.03, Obstacle: "ktask itself has to start first."}},
	}}
}

// prepared lets each of the commands, of which the first has --warm, begin when as many containers wait as the first one leaves.
func (l *lab) prepared(b *testing.B, count int, commands []command) []command {
	// Sockets need short paths.
	commands[0].env, commands[0].leave = []string{"XDG_RUNTIME_DIR=" + filepath.Dir(engines.Socket(b)), "CI="}, true
	b.Cleanup(func() {
		clean := exec.Command(l.ktask, "clean")
		clean.Env = append(os.Environ(), commands[0].env...)
		_ = clean.Run() // else it ends by itself
	})
	leaves, started := commands[0], false
	for i := range commands {
		commands[i].before = func(ctx context.Context) error {
			if !started {
				started = true
				if _, err := leaves.run(ctx, l.meter); err != nil {
					return err
				}
			}
			return waits(ctx, count)
		}
	}
	return commands
}

// waits waits until containers wait for the next run.
func waits(ctx context.Context, count int) error {
	for ctx.Err() == nil {
		found, err := exec.CommandContext(ctx, "docker", "ps", "--quiet", "--filter", "label=dev.ktask.task="+docker.WarmTask, "--filter", "status=running").Output()
		if err != nil || len(strings.Fields(string(found))) >= count {
			return err
		}
	}
	return ctx.Err()
}

// today is cold on Docker of today.
func today(b *testing.B, l *lab) experiment {
	host := engines.Docker(b, busybox)
	return experiment{engine: l.describe(b, "--host", host), commands: l.echo(b, []string{"docker", "--host", host}, "--host", host), rows: []quantity{
		{title: "echo in busybox, Docker of today: " + exitOf, against: "`docker run --rm`", take: value(end).pair(1)},
		{title: "echo in busybox, Docker of today: " + outputOf, against: "`docker run --rm`", take: value(first).pair(1)},
	}}
}

// podman is cold on a service of podman, compared with the podman command on the same store.
func podman(b *testing.B, l *lab) experiment {
	host := engines.Podman(b, busybox)
	command := engines.PodmanCommand(host)
	commands := l.echo(b, command.Args, "--host", host)
	commands[1].env = command.Env
	return experiment{engine: l.describe(b, "--host", host), commands: commands, rows: []quantity{
		{title: "echo in busybox, podman: " + exitOf, against: "`podman run --rm`", take: value(end).pair(1)},
		{title: "echo in busybox, podman: " + outputOf, against: "`podman run --rm`", take: value(first).pair(1)},
	}}
}

// echo returns ktask run with flags, and the run command of another client.
func (l *lab) echo(b *testing.B, client []string, flags ...string) []command {
	task := l.write(b, "echo.yaml", definition("echo", container("[echo, hello]")))
	return []command{
		{args: append([]string{l.ktask, "run", task}, flags...), wants: "hello\n"},
		{args: append(client[:len(client):len(client)], "run", "--rm", "--entrypoint", "echo", busybox, "hello"), wants: "hello\n"},
	}
}

// deno compares an inline script with the command that Keptn's documentation shows for trying one out.
func deno(b *testing.B, l *lab) experiment {
	const code = `console.log("hello")`
	return experiment{engine: l.docker, commands: l.script(b, "deno", denoImage, code, "task.ts"), rows: []quantity{
		{title: "deno, inline: " + exitOf, against: "`docker run -v task.ts:… -e SCRIPT=…`", take: value(end).pair(1)},
	}}
}

// python is deno for python, and compares also with the interpreter alone.
func python(b *testing.B, l *lab) experiment {
	const code = `print("hello")`
	commands := append(l.script(b, "python", pythonImage, code, "task.py"),
		command{args: []string{"docker", "run", "--rm", "--entrypoint", "python3", pythonImage, "-c", code}, wants: "hello\n"})
	return experiment{engine: l.docker, commands: commands, rows: []quantity{
		{title: "python, inline: " + exitOf, against: "`docker run -v task.py:… -e SCRIPT=…`", take: value(end).pair(1)},
		{title: "python, inline: " + exitOf, against: "`docker run … python3 -c`", take: value(end).pair(2),
			target: Target{Limit: 1.02, Obstacle: "An entrypoint starts the interpreter."}},
	}}
}

func (l *lab) script(b *testing.B, runtime, image, code, name string) []command {
	task := l.write(b, runtime+".yaml", definition(runtime, inline(runtime, code)))
	path := l.write(b, name, code+"\n")
	return []command{
		{args: []string{l.ktask, "run", "--" + runtime + "-image", image, task}, wants: "hello\n"},
		{args: []string{"docker", "run", "--rm", "-v", path + ":/" + name, "-e", "SCRIPT=/" + name, "-e", `DATA={"name":"Keptn"}`, image}, wants: "hello\n"},
	}
}

// fanTrue and fanSleep compare 50 tasks, 8 at a time, with 50 containers that xargs starts.
func fanTrue(b *testing.B, l *lab) experiment {
	return l.fan(b, "true", quantity{}, quantity{title: "50 × true, 8 at a time: " + cpuOf, take: value(cpu).pair(1)})
}

func fanSleep(b *testing.B, l *lab) experiment {
	return l.fan(b, "sleep 1", quantity{target: Target{Limit: 0.7,
		Obstacle: "Containers are created when their turn has come; the engine's starts and removals then compete with those of the tasks that run."}})
}

// fanWarm is fanSleep with a container for each of the tasks that an earlier run has left.
func fanWarm(b *testing.B, l *lab) experiment {
	e := l.fan(b, "sleep 1", quantity{target: Target{Limit: 0.3, Obstacle: "The engine ends and removes 50 containers, which keeps both cores busy."}})
	e.rows[0].title = strings.Replace(e.rows[0].title, ":", fmt.Sprintf(", --warm %d:", fanTasks), 1)
	e.commands[0].args = append(e.commands[0].args, "--warm", strconv.Itoa(fanTasks))
	e.commands = l.prepared(b, fanTasks, e.commands)
	return e
}

const fanTasks = 50

func (l *lab) fan(b *testing.B, script string, exit quantity, more ...quantity) experiment {
	const wide = "8"
	path := l.write(b, "fan.yaml", many(fanTasks, container(fmt.Sprintf("[sh, -c, %q]", script))))
	exit.title, exit.take = fmt.Sprintf("%d × %s, %s at a time: %s", fanTasks, script, wide, exitOf), value(end).pair(1)
	e := experiment{every: 4, engine: l.docker, rows: append([]quantity{exit}, more...), commands: []command{
		{args: []string{l.ktask, "run", "-j", wide, path}},
		{args: []string{"xargs", "-P", wide, "-I", "{}", "docker", "run", "--rm", "--entrypoint", "sh", busybox, "-c", script}, stdin: numbers(fanTasks)},
	}}
	for i := range e.rows {
		e.rows[i].against = "`xargs -P 8 docker run --rm`"
	}
	return e
}

func numbers(n int) (lines string) {
	for i := range n {
		lines += fmt.Sprintln(i)
	}
	return lines
}
