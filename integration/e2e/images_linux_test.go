package e2e

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/ktask/ktask/integration/engines"
)

// TestImagesGoToAMachineWithoutNetwork saves what the tasks of the demo need on the machine's engine, loads it on another one, and
// runs them there.
func TestImagesGoToAMachineWithoutNetwork(t *testing.T) {
	there := engines.Podman(t)
	archive := filepath.Join(t.TempDir(), "images.tar")
	flags := []string{"examples/demo", "-t", "demo-deno,demo-container", "--deno-image", denoImage, "--image", anyBusybox}
	with := func(args ...string) []string { return append(args, flags...) }

	before := ktask(t, "", with("images", "--host", there)...)
	if before.code != 0 || strings.Count(before.stdout, "missing") != 2 {
		t.Errorf("before: %+v", before)
	}
	if run := ktask(t, "", with("run", "--host", there, "--offline")...); run.code != 3 || !strings.Contains(run.stderr, "is not on the engine") {
		t.Errorf("run without the images: %+v", run)
	}
	if saved := ktask(t, "", with("images", "save", "-o", archive)...); saved.code != 0 || !strings.Contains(saved.stderr, "saved 2 images to "+archive) {
		t.Fatalf("save: %+v", saved)
	}
	loaded := ktask(t, "", "images", "load", "--host", there, archive)
	if loaded.code != 0 || !strings.Contains(loaded.stdout, denoImage+"\n") || !strings.Contains(loaded.stdout, busyboxImage+"\n") {
		t.Fatalf("load: %+v", loaded)
	}
	after := ktask(t, "", with("images", "--host", there)...)
	if after.code != 0 || strings.Count(after.stdout, "present") != 2 {
		t.Errorf("after: %+v", after)
	}
	if run := ktask(t, "", with("run", "--host", there, "--offline", "--network", "none")...); run.code != 0 || !strings.Contains(run.stdout, "smoke test passed") {
		t.Errorf("run: %+v", run)
	}
}

// TestBuiltRuntimeRuns builds ktask's own image from the embedded context, and runs a task in it with the setting that the build
// prints.
func TestBuiltRuntimeRuns(t *testing.T) {
	const tag = "ktask.local/deno-of-a-test:local"
	c, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = c.ImageRemove(context.WithoutCancel(t.Context()), tag, image.RemoveOptions{PruneChildren: true})
		_ = c.Close()
	})
	built := ktask(t, "", "images", "build", "deno", "--tag", tag, "--base", "ktask.local/base:dev", "--build-arg", "DENO=ktask.local/deno-bin:dev",
		"--network", "host", "--build-arg", "http_proxy", "--build-arg", "https_proxy", "--build-arg", "no_proxy").expect(t, 0)
	if built.stdout != "deno-image: "+tag+"\n" || !strings.Contains(built.stderr, "ENTRYPOINT") {
		t.Errorf("build: %+v", built)
	}
	run := ktask(t, "", "run", "-t", "demo-deno", "--offline", "--deno-image", tag, "examples/demo").expect(t, 0)
	if !strings.Contains(run.stdout, "Hello, Keptn!") {
		t.Errorf("run: %+v", run)
	}
}
