# Sourced by images.sh: the image that the others are built on, Debian without extras.
# The official one where a registry answers; else one made of Debian packages, from the
# sources that this machine uses itself, so that apt-get works in builds as it does here.
# shellcheck shell=bash

# base_inputs: everything that decides what the base is.
base_inputs() {
  cat "$here/base.sh"
  cat /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/* 2>/dev/null || true
}

# make_base IMAGE STAMP
make_base() {
  if pull debian:bookworm-slim; then
    step "building $1 from it" build_base_from_official "$1" "$2"
    return
  fi
  local tar=$cache/base-$2.tar
  if ! [ -f "$tar" ]; then
    if ! has mmdebstrap; then
      can_install || die "no registry answers, and without one a base image needs mmdebstrap: install it, or run this as root on Debian"
      install_packages mmdebstrap
    fi
    rm -f "$cache"/base-*.tar # of older inputs
    step "making a Debian base from packages" bootstrap "$tar"
  fi
  step "importing $1" docker import --change "LABEL $label=$2" "$tar" "$1"
}

build_base_from_official() {
  docker build --label "$label=$2" -t "$1" - <<<'FROM debian:bookworm-slim'
}

# debian_sources: one line for each source of this machine that is Debian's own.
debian_sources() {
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian' | sort -u
}

# bootstrap TAR: a minimal Debian of the release of this machine.
bootstrap() {
  local codename settings
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  # Where this machine needs these to reach its sources, a build needs them too.
  settings=$(apt-config dump --no-empty --format '%f "%v";%n' \
    Acquire::http::Proxy Acquire::https::Proxy Acquire::Check-Date Acquire::Check-Valid-Until)
  if [ -n "$settings" ]; then set -- "$1" --aptopt="$settings"; fi
  if [ -d /etc/apt/mirrors ]; then # sources of the form mirror+file:, as in cloud images
    set -- "$@" --setup-hook='copy-in /etc/apt/mirrors /etc/apt'
  fi
  if [ -z "$(debian_sources)" ]; then apt-get -o DPkg::Lock::Timeout=120 update; fi
  debian_sources | mmdebstrap --variant=minbase --format=tar \
    --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    "${@:2}" "$codename" "$1.part" - && mv "$1.part" "$1"
}
