#!/usr/bin/env bash
# Makes sure that the images are there that the tests and the demo run on:
#
#   ktask.local/base:dev            Debian without extras
#   ktask.local/deno-runtime:dev    runtimes/deno
#   ktask.local/python-runtime:dev  runtimes/python
#   ktask.local/busybox:dev         Debian's busybox, not the official image
#   ktask.local/postgres:dev        Debian's PostgreSQL, not the official image
#   ktask.local/psycopg:dev         the python runtime with a driver for PostgreSQL
#   ktask.local/reaper:dev          Ryuk where a registry answers, else integration/reaper
#
# No registry of images is needed, a Debian mirror and npm will do (base.sh, deno.sh).
# An image carries a label with the hash of what it was made from: what is up to date
# costs one question to the engine, what was edited is built again.
#
#   images.sh         make what is missing
#   images.sh demo    the same without the last three, which only tests need
#   images.sh remove  remove the images, and the downloads that they were made from
set -euo pipefail
me=images
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
label=dev.ktask.image.inputs
# shellcheck source=progress.sh
. "$here/progress.sh"
# shellcheck source=base.sh
. "$here/base.sh"
# shellcheck source=deno.sh
. "$here/deno.sh"

base=ktask.local/base:dev
deno_bin=ktask.local/deno-bin:dev
deno=ktask.local/deno-runtime:dev
python=ktask.local/python-runtime:dev
busybox=ktask.local/busybox:dev
postgres=ktask.local/postgres:dev
psycopg=ktask.local/psycopg:dev
reaper=ktask.local/reaper:dev
# The one that testcontainers-go v0.41.0 runs.
ryuk=testcontainers/ryuk:0.13.0

# hash: of standard input.
hash() {
  if has sha256sum; then sha256sum; else shasum -a 256; fi | cut -c 1-16
}

# stamps [demo]: the images and the hashes that they should have, one a line. What an image is
# built on is part of its inputs.
stamps() {
  local base_stamp deno_stamp python_stamp
  base_stamp=$(base_inputs | hash)
  deno_stamp=$(cat "$here/deno.sh" <(echo "$deno_version") | hash)
  python_stamp=$( (echo "$base_stamp"; cat "$root"/runtimes/python/{Dockerfile,entrypoint.sh}) | hash)
  printf '%s %s\n' \
    "$base" "$base_stamp" \
    "$deno_bin" "$deno_stamp" \
    "$python" "$python_stamp" \
    "$deno" "$( (echo "$base_stamp $deno_stamp"; cat "$root"/runtimes/deno/{Dockerfile,entrypoint.sh}) | hash)" \
    "$busybox" "$( (echo "$base_stamp"; cat "$here/busybox/Dockerfile") | hash)"
  [ "$1" != demo ] || return 0
  printf '%s %s\n' \
    "$postgres" "$( (echo "$base_stamp"; cat "$here"/postgres/*) | hash)" \
    "$psycopg" "$( (echo "$python_stamp"; cat "$here"/psycopg/*) | hash)" \
    "$reaper" "$( (echo "$ryuk"; cat "$root"/integration/reaper/*.go) | hash)"
}

# present: the images that are there with their hashes, in the form of stamps. Images that
# are not there make the command fail, not its output.
present() {
  docker image inspect --format "{{range .RepoTags}}{{.}} {{index \$.Config.Labels \"$label\"}}
{{end}}" "$base" "$deno_bin" "$python" "$deno" "$busybox" "$postgres" "$psycopg" "$reaper" 2>/dev/null || true
}

# pull IMAGE: whether the engine can pull it. A registry that has said nothing after ten
# seconds is taken for one that cannot be reached.
pull() {
  local log=$scratch/pull-${1##*/}.log pid
  docker pull "$1" >"$log" 2>&1 </dev/null &
  pid=$!
  for _ in {1..100}; do
    if grep -q 'Pulling from' "$log" || ! kill -0 $pid 2>/dev/null; then break; fi
    sleep 0.1
  done
  if grep -q 'Pulling from' "$log"; then
    say "pulling $1 ..."
  else
    kill $pid 2>/dev/null || true
  fi
  wait $pid 2>/dev/null
}

# build IMAGE STAMP CONTEXT [NAME=VALUE]...: from a Dockerfile, with build arguments. The
# network is the host's, so that the sources and proxies of this machine can be reached.
build() {
  local image=$1 stamp=$2 context=$3 arg
  shift 3
  set -- "$@" http_proxy https_proxy no_proxy
  local args=()
  for arg in "$@"; do args+=(--build-arg "$arg"); done
  step "building $image" docker build --network host --force-rm \
    --label "$label=$stamp" "${args[@]}" -t "$image" "$context"
}

# make_image IMAGE STAMP
make_image() {
  case $1 in
  "$base") make_base "$@" ;;
  "$deno_bin") make_deno_bin "$@" ;;
  "$python") build "$@" "$root/runtimes/python" BASE="$base" ;;
  "$deno") build "$@" "$root/runtimes/deno" BASE="$base" DENO="$deno_bin" ;;
  "$postgres") build "$@" "$here/postgres" BASE="$base" ;;
  "$psycopg") build "$@" "$here/psycopg" BASE="$python" ;;
  "$reaper") make_reaper "$@" ;;
  "$busybox")
    build "$@" "$here/busybox" BASE="$base"
    docker image prune -f --filter label=dev.ktask.image.stage=busybox >/dev/null
    ;;
  esac
}

# make_reaper IMAGE STAMP
make_reaper() {
  if pull "$ryuk"; then
    docker build --label "$label=$2" -t "$1" - <<<"FROM $ryuk" >/dev/null
    return
  fi
  has go || die "no registry answers, and without one $1 is built with Go: install it"
  step "compiling integration/reaper" compile_reaper "$scratch/reaper/reaper"
  printf 'FROM scratch\nCOPY reaper /\nENTRYPOINT ["/reaper"]\n' >"$scratch/reaper/Dockerfile"
  build "$@" "$scratch/reaper"
}

# compile_reaper FILE
compile_reaper() (
  cd "$root"
  GOARCH=$(docker version --format '{{.Server.Arch}}') GOOS=linux CGO_ENABLED=0 go build -trimpath -o "$1" ./integration/reaper
)

# replace IMAGE STAMP: makes the image and removes the one that had its name before. One
# that a container still uses stays, without a name, until that container is gone.
replace() {
  local old
  old=$(docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || true)
  make_image "$@"
  if [ -n "$old" ] && [ "$old" != "$(docker image inspect --format '{{.Id}}' "$1")" ]; then
    docker image rm "$old" >/dev/null 2>&1 || true
  fi
}

# replace_missing IMAGE...: at the same time, those of the images that are not up to date.
replace_missing() {
  local image stamp pid pids='' failed=0
  for image in "$@"; do
    stamp=$(awk -v image="$image" '$1 == image {print $2}' <<<"$missing")
    if [ -n "$stamp" ]; then
      replace "$image" "$stamp" &
      pids="$pids $!"
    fi
  done
  for pid in $pids; do wait "$pid" || failed=1; done
  [ $failed = 0 ] || exit 1
}

has docker || die "the docker command is missing: run make engine"

if [ "${1:-}" = remove ]; then
  docker image rm "$psycopg" "$postgres" "$reaper" "$python" "$deno" "$busybox" "$deno_bin" "$base" >/dev/null 2>&1 || true
  rm -f "$cache"/base-*.tar "$cache"/deno-*.tgz
  [ -z "$(present)" ] || die "an image is still used by a container: $(present | cut -d ' ' -f 1 | xargs)"
  exit 0
fi

# Two of these at a time would do each other's work; the second one finds it done.
if has flock; then
  exec 9>"$cache/images.lock"
  flock -n 9 || { say "waiting for another run ..." && flock 9; }
fi

wanted=$(stamps "${1:-}")
found=$(present)
missing=$(grep -vxF -f <(printf '%s\n' "$found" | grep .) <<<"$wanted" || true)
if [ -z "$missing" ]; then
  say "up to date"
  exit 0
fi

scratch=$(mktemp -d "$cache/scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# Where BuildKit is not installed the classic builder does, without its word about that.
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
# The local engine's own builder: another one would not see the images that are made here.
BUILDX_BUILDER=$(docker context show 2>/dev/null || echo default)
export BUILDX_BUILDER

replace_missing "$base" "$deno_bin"
replace_missing "$python" "$deno" "$busybox" "$postgres" "$reaper"
replace_missing "$psycopg"
say "ready"
