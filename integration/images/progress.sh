# Sourced by engine.sh and images.sh: progress in words, quiet commands, packages.
# The caller sets `me`, the word that its lines begin with.
# shellcheck shell=bash

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ktask
mkdir -p "$cache"

say() { printf '%s: %s\n' "$me" "$*" >&2; }

# die WORDS...: says in one line what is wrong and what to do, and ends.
die() {
  say "$*"
  exit 1
}

# step WORDS COMMAND...: says what takes a while, runs it quietly, says how long it
# took. If the command fails, the end of what it printed is shown.
step() {
  local words=$1 log start=$SECONDS
  shift
  say "$words ..."
  log=$(mktemp "$cache/step.XXXXXX")
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 25 "$log" >&2
    rm -f "$log"
    die "$words: failed; the lines above are the end of its output"
  fi
  rm -f "$log"
  say "$words: done in $((SECONDS - start)) s"
}

has() { command -v "$1" >/dev/null 2>&1; }

# can_install: whether packages may be installed here: by root, on Debian.
can_install() {
  [ "$(id -u)" = 0 ] && has apt-get && grep -qx 'ID=debian' /etc/os-release 2>/dev/null
}

# install_packages NAME...: Debian packages without their recommendations. Waits for
# another apt that holds the lock, and for another call of its own.
install_packages() (
  exec 8>"$cache/packages.lock"
  flock 8
  step "updating the package lists" apt-get -o DPkg::Lock::Timeout=120 -q update
  step "installing $*" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=120 -qy install --no-install-recommends "$@"
)
