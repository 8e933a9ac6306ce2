#!/bin/sh
# Runs the script of a Keptn deno task.
#
#   SCRIPT  a path, or an http or https URL
#
# The permissions are those of Keptn's image: the network, files, three variables.
# Unlike there, an empty download fails the task, and deno takes the place of this
# shell, so that signals reach the script.
set -eu

case $SCRIPT in
http://* | https://*)
  # To deno an empty module is a success. It has no imports, so it is the only one
  # whose total size is 0. Every other trouble is left to deno run, which finds
  # what this has downloaded in its cache.
  if deno info "$SCRIPT" 2>/dev/null | grep -qx 'size: 0B'; then
    echo "deno-runtime: the script $SCRIPT is empty" >&2
    exit 1
  fi
  ;;
esac

exec deno run --allow-net --allow-write --allow-read \
  --allow-env=DATA,SECURE_DATA,KEPTN_CONTEXT "$SCRIPT"
