#!/usr/bin/env bash
# A Kubernetes cluster of one node for tests, from its Go modules and Debian's packages, without a
# registry. The program is built once for each version of its sources: 10 to 16 minutes on two cores.
#
#   cluster.sh             installs and builds what is missing, starts the cluster
#   cluster.sh kubeconfig  prints the name of its kubeconfig
#   cluster.sh down        stops it, and removes what it has on the machine; the program stays
set -euo pipefail
me=cluster
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../images/progress.sh
. "$here/../images/progress.sh"

kubernetes=v1.33.13 # as in go.mod
into=$cache/cluster

# missing_packages: what to install, one name a line.
missing_packages() {
  has containerd && has ctr || echo containerd
  has runc || echo runc
  [ -x /usr/lib/cni/bridge ] || echo containernetworking-plugins
  has ip || echo iproute2
}

build() {
  local version=k8s.io/component-base/version
  cd "$here"
  [ "$(go list -m -f '{{.Version}}' k8s.io/kubernetes)" = $kubernetes ] || die "go.mod has another version than $kubernetes"
  step "building Kubernetes $kubernetes from its Go modules (10 to 16 minutes the first time)" \
    env CGO_ENABLED=0 GOFLAGS= go build -p 2 -trimpath -o "$into/cluster.new" \
    -ldflags "-s -w -X $version.gitVersion=$kubernetes -X $version.gitMajor=1 -X $version.gitMinor=33" .
}

case ${1:-up} in
  kubeconfig) echo "$into/pki/kubeconfig" ;;
  down) [ ! -x "$into/cluster" ] || "$into/cluster" down ;;
  up)
    [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || die "the cluster needs Linux and root"
    packages=$(missing_packages)
    if [ -n "$packages" ]; then
      can_install || die "install these first:" $packages
      # shellcheck disable=SC2086 # a list of words
      install_packages $packages
    fi
    mkdir -p "$into"
    sources=$(cat "$here"/{*.go,go.mod,go.sum,cluster.sh} <(cd "$here" && go version) | sha256sum)
    if [ "$sources" != "$(cat "$into/made" 2>/dev/null)" ]; then
      build
      [ ! -x "$into/cluster" ] || "$into/cluster" down # its processes are of the other program
      mv "$into/cluster.new" "$into/cluster"
      echo "$sources" >"$into/made"
    fi
    "$into/cluster" up >/dev/null || die "the cluster does not start; its logs are in $into/logs"
    say "Kubernetes $kubernetes answers; its kubeconfig is $into/pki/kubeconfig"
    ;;
  *) die "usage: cluster.sh [up|kubeconfig|down]" ;;
esac
