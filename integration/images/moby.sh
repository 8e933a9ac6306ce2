#!/usr/bin/env bash
# Makes a dockerd and a runc of today, beside those that Debian has: tests run on them what
# engines of a distribution are too old for. Both are built from their Go modules, once for
# each version, which takes some minutes. Nothing is installed but libseccomp's headers.
set -euo pipefail
me=moby
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=progress.sh
. "$here/progress.sh"

dockerd=github.com/moby/moby/v2/cmd/dockerd@v2.0.0-beta.24
runc=github.com/opencontainers/runc@v1.5.2

[ "$(uname -s)" = Linux ] || exit 0 # the tests that need them run on Linux alone
into=$cache/moby # integration/engines finds them there
made=$(cat "$into/made" 2>/dev/null || true)
[ "$made" != "$dockerd $runc" ] || exit 0

if can_install && ! pkg-config --exists libseccomp 2>/dev/null; then
  install_packages libseccomp-dev pkg-config
fi
mkdir -p "$into"
cd "$into" # outside of the module, whose settings are not theirs
step "building dockerd from its Go module" env GOBIN="$into" CGO_ENABLED=0 go install -trimpath "$dockerd"
step "building runc from its Go module" env GOBIN="$into" CGO_ENABLED=1 go install -trimpath -tags seccomp "$runc"
echo "$dockerd $runc" >made
