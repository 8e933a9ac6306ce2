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
	result, err := local.Run(ctx, local.Options{
		Paths:   []string{"examples/go-program/task.yaml"},
		Env:     map[string]string{"GREETING": "Hello"},
		Secrets: map[string]string{"token": "correct horse"},
		Sink: engine.SinkFunc(func(e engine.Event) {
			if line, ok := e.(engine.OutputLine); ok {
				fmt.Println(line.Line)
			}
		}),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(result.Tasks[0].Name, result.Status)
}
