// Go-program runs a task from Go: its manifest, a parameter and a secret, and what became of it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/local"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o := local.FromEnv() // the engine of DOCKER_HOST; local.Options{} reads no environment
	o.Paths = []string{"examples/go-program/task.yaml"}
	o.Env = map[string]string{"GREETING": "Hello"}
	o.Secrets = map[string]string{"token": "correct horse"}
	o.Sink = engine.SinkFunc(func(e engine.Event) {
		if line, ok := e.(engine.OutputLine); ok {
			fmt.Println(line.Line)
		}
	})
	result, err := local.Run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(result.Tasks[0].Name, result.Status)
}
