# Sourced by images.sh: an image that holds the deno binary and nothing else, in place
# of denoland/deno:bin-VERSION, for machines that reach npm but no registry of images.
# shellcheck shell=bash

# The Dockerfile of the runtime says which deno it wants; that is the one place.
deno_official=$(sed -n 's/^ARG DENO=//p' "$root/runtimes/deno/Dockerfile")
deno_version=${deno_official##*:bin-}

# make_deno_bin IMAGE STAMP
make_deno_bin() {
  if pull "$deno_official"; then
    step "building $1 from it" build_deno_from_official "$1" "$2"
    return
  fi
  local package
  case $(docker version --format '{{.Server.Arch}}') in
  amd64) package=linux-x64-glibc ;;
  arm64) package=linux-arm64-glibc ;;
  *) die "no registry answers, and npm has no deno for this architecture: run this where docker.io can be reached" ;;
  esac
  local tgz=$cache/deno-$package-$deno_version.tgz
  if ! [ -f "$tgz" ]; then
    if ! has npm; then
      can_install || die "no registry answers, and without one deno comes from npm: install npm, or run this as root on Debian"
      install_packages npm
    fi
    step "downloading deno $deno_version from npm" download_deno "@deno/$package@$deno_version" "$tgz"
  fi
  step "importing $1" import_deno "$tgz" "$1" "$2"
}

build_deno_from_official() {
  docker build --label "$label=$2" -t "$1" - <<<"FROM $deno_official"
}

# download_deno PACKAGE FILE: trusts the certificates that this machine trusts, too.
download_deno() {
  NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt} \
    npm pack --pack-destination "$scratch" "$1" && mv "$scratch"/deno-*.tgz "$2"
}

# import_deno TGZ IMAGE STAMP: the image holds /deno, as the official one does.
import_deno() {
  tar -xzf "$1" -C "$scratch" --strip-components=1 package/deno &&
    tar -C "$scratch" --owner=0 --group=0 -cf "$scratch/deno.tar" deno &&
    docker import --change "LABEL $label=$3" "$scratch/deno.tar" "$2"
}
