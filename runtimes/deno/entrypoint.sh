#!/bin/sh
# Runs the script of a Keptn deno task.
#
#   SCRIPT  a path, or an http or https URL
#
# The permissions are those of Keptn's image: the network, files, three variables.
# Unlike there, an empty download fails the task, a redirect leads to http and https
# only, and deno takes the place of this shell, so that signals reach the script.
set -eu

fail() {
  echo "deno-runtime: $*" >&2
  exit 1
}

# redirect: where the root of a graph, as deno info --json prints it, is redirected to.
redirect() {
  awk -F '"' '
    /^  "roots"/ { getline; root = $2 }
    /^  []"}]/ { redirects = /^  "redirects"/ }
    redirects && NF == 5 && $2 == root { print $4 }'
}

program=$SCRIPT # the script sees SCRIPT as it was given
case $SCRIPT in
[hH][tT][tT][pP]://* | [hH][tT][tT][pP][sS]://*)
  # deno run follows a redirect to file:, data: or npm: as well. So each redirect is
  # looked at here, and deno run gets the URL that is none. It finds in its cache what
  # deno info has downloaded, and does not ask the server again.
  for hop in 1 2 3 4 5 6 7 8 9 10 none; do
    facts=$(deno info --quiet "$program") || exit 1
    # To deno an empty module is a success. It has no imports, so it is the only one
    # whose total size is 0.
    if echo "$facts" | grep -qx 'size: 0B'; then
      fail "the script $SCRIPT is empty"
    fi
    next=$(deno info --quiet --json "$program" | redirect)
    case $next in
    '') break ;;
    http://* | https://*) program=$next ;;
    *) fail "the script $SCRIPT redirects to $next, and only http and https are followed" ;;
    esac
    [ "$hop" != none ] || fail "the script $SCRIPT redirects too often"
  done
  ;;
[!/]*:*) fail "SCRIPT is $SCRIPT, and must be a path, or an http or https URL" ;;
esac

exec deno run --allow-net --allow-write --allow-read \
  --allow-env=DATA,SECURE_DATA,KEPTN_CONTEXT "$program"
