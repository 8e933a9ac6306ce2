#!/bin/sh
# Runs examples/demo with the images that make images built. Every command is shown as it
# can be typed again, from the root of the repository.
set -eu
cd "$(dirname "$0")/.."

show() {
  printf '$ %s\n' "$*"
  "$@"
}

show export FUNCTION_RUNNER_IMAGE=ktask.local/deno-runtime:dev
show export PYTHON_RUNNER_IMAGE=ktask.local/python-runtime:dev
show bin/ktask run --parallel 1 --image busybox:1.36.1=ktask.local/busybox:dev examples/demo
