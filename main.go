// Ktask runs Keptn task definitions on a developer's machine, without a cluster.
package main

import (
	"cmp"
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"golang.org/x/term"
	"k8s.io/klog/v2"

	"github.com/ktask/ktask/command"
	"github.com/ktask/ktask/local"
	"github.com/ktask/ktask/local/standby"
)

func main() {
	collectLess()
	signal.Ignore(syscall.SIGPIPE) // a reader that has closed the output must not end ktask before it has removed its containers
	log.SetOutput(io.Discard)      // packages log of engines that break HTTP: ktask's own errors say it
	klog.LogToStderr(false)        // likewise of clusters
	klog.SetOutput(io.Discard)
	executable, _ := os.Executable()   // "" if it is not known: there is no guardian then
	configDir, _ := os.UserConfigDir() // "" if there is none: no .ktask.yaml is trusted then
	version, commit := build()
	app := command.App{
		In: standby.In, Out: os.Stdout, Err: os.Stderr, NoEscapes: !understandsEscapes(os.Stdout) || !understandsEscapes(os.Stderr),
		OutTerminal: term.IsTerminal(int(os.Stdout.Fd())), ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())), OutPiped: piped(os.Stdout), Size: size,
		Keyboard: keyboard(),
		Signals:  signals, NewEngine: local.NewEngine,
		Executable: executable, ConfigDir: configDir, StateDir: local.UserState(), ScriptDir: scriptDir(), Version: version, Commit: commit, Schema: schema,
	}
	os.Exit(command.Main(context.Background(), app, os.Args[1:]))
}

// collectLess lets the heap grow further before the garbage collector runs, unless the user has set GOGC: a run of one task ends
// before the first collection then, which would be a tenth of its CPU time.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}

// piped reports whether a file is a pipe.
func piped(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// signals begins to catch what the user or the system sends; until then it ends the process as ever.
func signals() <-chan os.Signal {
	caught := make(chan os.Signal, 4)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return caught
}

// scriptDir returns the directory of the copies of downloaded scripts, or "" if there is none.
func scriptDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "ktask", "scripts")
}

// build returns the module's version and the commit of its sources, as the go command stamped them.
func build() (version, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)", ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			commit = s.Value
		}
	}
	return cmp.Or(info.Main.Version, "(devel)"), commit
}
