#!/usr/bin/env bash
# Makes sure that a container engine answers, and that the programs are there that the
# tests need beside it. On Debian, as root, what is missing is installed and started;
# elsewhere one line says what to do. An engine that already answers is left alone.
set -euo pipefail
me=engine
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=progress.sh
. "$here/progress.sh"

# bounded SECONDS COMMAND...: macOS has no timeout command; there the command may wait.
bounded() {
  if has timeout; then timeout "$@"; else "${@:2}"; fi
}

# answers: whether the engine that the docker command would use is there.
answers() {
  if has docker; then
    bounded 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
  elif has curl; then
    curl -fs -m 10 --unix-socket /var/run/docker.sock http://engine/_ping >/dev/null 2>&1
  else
    return 1
  fi
}

# missing_packages: what to install, by what is not found, one name a line.
missing_packages() {
  if ! answers && ! has dockerd; then
    printf '%s\n' docker.io iptables ca-certificates
  elif ! has docker; then
    # Debian 12 has no package of the command alone.
    if apt-cache show docker-cli >/dev/null 2>&1; then echo docker-cli; else echo docker.io; fi
  fi
  has docker-registry || echo docker-registry # the tests pull from a registry of their own
  if ! has podman || ! has runc; then printf '%s\n' podman runc; fi # and run a second engine, see podman_linux_test.go
  has newuidmap || echo uidmap # and rootless engines, see rootless_linux_test.go
  has slirp4netns || echo slirp4netns
  has rootlesskit || echo rootlesskit
  has docker-compose || docker compose version >/dev/null 2>&1 || echo docker-compose # tasks join its projects
  has pre-commit || echo pre-commit # the tests of the hooks commit with it
  has zsh || echo zsh # the tests complete command lines in each shell
  has fish || echo fish
  has tmux || echo tmux # and look at live output in a terminal of it
  has chromium || echo chromium # and at the page of --html
  [ -x /usr/sbin/sshd ] || echo openssh-server # to reach an engine with ssh, see ssh_linux_test.go
  if ! has gcc && ! has clang; then
    printf '%s\n' gcc libc6-dev # go test -race needs cgo
  fi
}

install_missing() {
  local packages registry=1 sshd=1
  has docker-registry || registry=0
  [ -x /usr/sbin/sshd ] || sshd=0
  packages=$(missing_packages)
  [ -n "$packages" ] || return 0
  # shellcheck disable=SC2086 # a list of words
  install_packages $packages
  # The tests start registries and ssh servers of their own; those of the packages would only hold a port.
  [ -d /run/systemd/system ] || return 0
  [ $registry = 1 ] || systemctl disable --now docker-registry >/dev/null 2>&1 || true
  [ $sshd = 1 ] || systemctl disable --now ssh >/dev/null 2>&1 || true
}

# start: dockerd by systemd where that runs, else by hand, and the wait for its answer.
start() {
  local log=$cache/dockerd.log pid='' deadline=$((SECONDS + 60))
  if [ -d /run/systemd/system ]; then
    step "starting docker.service" systemctl start docker
    log="journalctl -u docker"
  else
    say "starting dockerd; its log is $log"
    setsid dockerd >"$log" 2>&1 </dev/null &
    pid=$!
  fi
  until answers; do
    if [ -n "$pid" ] && ! kill -0 "$pid" 2>/dev/null; then
      tail -n 15 "$log" >&2
      die "dockerd ended at once; its log is $log"
    fi
    [ $SECONDS -lt $deadline ] || die "dockerd does not answer after 60 s; its log: $log"
    sleep 0.2
  done
}

if ! answers; then
  # Somebody chose an engine: installing another one would not mend that choice.
  if [ -n "${DOCKER_HOST:-}" ]; then
    die "no engine answers at DOCKER_HOST=$DOCKER_HOST: start it, or unset DOCKER_HOST"
  fi
  if has docker && context=$(docker context show 2>/dev/null) && [ "$context" != default ]; then
    die "no engine answers in the docker context \"$context\": start it, or run: docker context use default"
  fi
  if ! can_install; then
    die "no engine answers: start Docker, Colima or podman, or set DOCKER_HOST (as root on Debian, this installs and starts Docker)"
  fi
fi

if can_install; then install_missing; fi
if ! answers; then start; fi
has docker || die "an engine answers, but the docker command is missing, which builds images: install the docker CLI"
say "Docker $(docker version --format '{{.Server.Version}}') answers"
