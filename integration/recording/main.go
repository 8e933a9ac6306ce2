// Package main writes docs/recording.svg: a terminal in which the real ktask runs examples of the repository on the real engine.
// It is a module of its own, so that ktask does not need a terminal emulator.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// root is the repository, seen from this directory, in which the program and its tests run.
const root = "../.."

// settings are the .ktask.yaml of the recorded directory: the images that `make images` builds in place of the published ones.
const settings = `deno-image: ktask.local/deno-runtime:dev
python-image: ktask.local/python-runtime:dev
image: [busybox:1.36.1=ktask.local/busybox:dev]
`

// scenes are what is recorded.
var scenes = []scene{
	{"ktask run -p replicas=1 examples/demo examples/python-configmapref", "4 tasks: \x1b[32m3 passed\x1b[0m, \x1b[31m1 failed\x1b[0m in "},
	{"ktask run --failed -p replicas=3 examples/demo examples/python-configmapref", "3 replicas: enough to deploy"},
}

func main() {
	if err := write(filepath.Join(root, "docs", "recording.svg")); err != nil {
		fmt.Fprintln(os.Stderr, "recording:", err)
		os.Exit(1)
	}
}

func write(name string) error {
	dir, err := os.MkdirTemp("", "ktask-recording")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	shown, err := play(dir, scenes, pace{key: 25 * time.Millisecond, look: 2500 * time.Millisecond})
	if err != nil {
		return err
	}
	frames, err := shown.frames()
	if err != nil {
		return err
	}
	picture, err := draw(frames)
	if err != nil {
		return err
	}
	return os.WriteFile(name, picture, 0o644)
}

// play builds ktask and records the scenes in a directory, which gets copies of the examples.
func play(dir string, scenes []scene, p pace) (recording, error) {
	build := exec.Command("go", "build", "-C", root, "-o", filepath.Join(dir, "bin", "ktask"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build ktask: %w: %s", err, out)
	}
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		return nil, fmt.Errorf("copy the examples: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".ktask.yaml"), []byte(settings), 0o600); err != nil {
		return nil, err
	}
	return record(dir, scenes, p)
}
