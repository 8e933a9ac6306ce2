#!/bin/sh
# Runs the script of a Keptn python task.
#
#   SCRIPT    a path, with arguments of the script after it, or an http or https URL
#   CMD_ARGS  options of the interpreter, placed before the script
#
# As in Keptn's image, both are split at blanks and globbed, and a script that
# came from a URL is read from standard input: sys.argv[0] is "-" and no file has
# its name. Unlike there, a download that fails fails the task, redirects are
# followed, to http and https only, as the URL itself must be, and python takes the
# place of this shell, so that signals reach it.
set -eu

fail() {
  echo "python-runtime: $*" >&2
  exit 1
}

program=$SCRIPT # the script sees SCRIPT as it was given
case $SCRIPT in
[hH][tT][tT][pP]://* | [hH][tT][tT][pP][sS]://*)
  # Shared memory is writable even where the root file system is not.
  code=$(mktemp -p /dev/shm 2>/dev/null || mktemp) ||
    fail "no place to put the script: neither /dev/shm nor /tmp is writable"
  if ! curl --fail --silent --show-error --location --proto '=http,https' --proto-redir '=http,https' \
    --output "$code" -- "$SCRIPT"; then
    rm -f "$code"
    fail "cannot download the script $SCRIPT"
  fi
  if ! [ -s "$code" ]; then
    rm -f "$code"
    fail "the script $SCRIPT is empty"
  fi
  exec <"$code"
  rm -f "$code" # the open descriptor keeps the content; no file is left behind
  program=-
  ;;
[!/]*)
  case ${SCRIPT%%[[:space:]]*} in
  *:*) fail "SCRIPT is $SCRIPT, and must be a path, or an http or https URL" ;;
  esac
  ;;
esac

# shellcheck disable=SC2086 # both are lists of words
exec python3 $CMD_ARGS $program
