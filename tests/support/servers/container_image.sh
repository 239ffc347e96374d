#!/usr/bin/env bash
# A Podman for the tests alone, with an image: builds the image if it is missing, and prints the environment in which
# Podman finds it, NAME=VALUE, one per line, and IMAGE=NAME. Neither the user's containers nor his configuration are
# touched. Works for root, and without root if the user has a range of ids (/etc/subuid).
#
#   container_image.sh             PostgreSQL 17 on Debian: a source
#   container_image.sh debian      Debian alone: what an image for `rotv start` is built from
#   container_image.sh application the same, and Podman's cache has the first layers of every such image
#
#   export $(tests/support/servers/container_image.sh); podman run -it --rm $IMAGE bash
#
# The variables ROTV_TEST_CACHE and ROTV_TEST_APT_SOURCES are described in other_debian.sh.

set -euo pipefail

# shellcheck source=tests/support/servers/other_debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/other_debian.sh"

version=17
suite=trixie
# The tag has a version: raise it to build the image again.
case ${1:-} in
  debian | application) image=localhost/rotv-test-debian:$suite-v1 packages=ca-certificates ;;
  '') image=localhost/rotv-test-postgresql:$version-v1 packages=postgresql-$version ;;
  *) fail "there is no image \"$1\"" ;;
esac

cache=$(cache_directory)/containers
# The file system is one that a restart of the machine empties: Podman's record of running containers must not
# survive it.
run=/dev/shm/rotv-test-podman-$(id -u)

write_configuration() {
  local runtime files processes
  runtime=$(command -v runc || command -v crun) || fail "runc is not installed; ./dev test installs it"
  # The limits must not exceed the machine's, else nothing starts.
  files=$(ulimit -Hn) processes=$(ulimit -Hu)
  [[ $files =~ ^[0-9]+$ && $files -lt 20000 ]] || files=20000
  [[ $processes =~ ^[0-9]+$ && $processes -lt 20000 ]] || processes=20000
  (umask 077 && mkdir -p "$run")
  [[ -O $run ]] || fail "$run belongs to another user"
  mkdir -p "$cache"
  cat >"$cache/containers.conf" <<END
[containers]
default_ulimits = ["nofile=$files:$files", "nproc=$processes:$processes"]
log_driver = "k8s-file"
[engine]
runtime = "$(basename "$runtime")"
cgroup_manager = "cgroupfs"
events_logger = "file"
static_dir = "$cache/libpod"
volume_path = "$cache/volumes"
tmp_dir = "$run/libpod"
[network]
network_backend = "netavark"
END
  cat >"$cache/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$cache/storage"
runroot = "$run/storage"
END
}

# Builds a small Debian with the wanted packages, like a user who builds his own image.
make_image() {
  local work=$cache/new
  rm -rf "$work"
  mkdir "$work"
  write_sources "$suite" "$work/sources" || fail "this machine is not a Debian, so its mirrors do not have the \
container's packages.
Name a Debian mirror in ROTV_TEST_APT_SOURCES (see docs/testing.md), or leave these tests out:
./dev test --without-containers"
  command -v mmdebstrap >/dev/null || fail "mmdebstrap is not installed; ./dev test installs it"
  # The just-in-time compiler is a third of the size.
  # shellcheck disable=SC2016
  mmdebstrap --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include="$packages" \
    --customize-hook='rm -f "$1"/usr/lib/*/libLLVM* "$1"/usr/lib/*/libz3* "$1"/usr/lib/postgresql/*/lib/llvmjit.so' \
    "$suite" "$work/image.tar" "$work"/sources/* >&2 || fail "the container's file system cannot be built"
  podman import -q "$work/image.tar" "$image" >&2
  rm -rf "$work"
}

command -v podman >/dev/null || fail "podman is not installed; ./dev test installs it"
mkdir -p "$cache"
# Podman must not inherit the lock: without root it leaves a process running that keeps its user's namespace.
exec 9>"$cache/.lock"
flock 9
[[ -d $run && -f $cache/storage.conf ]] || write_configuration
export CONTAINERS_CONF=$cache/containers.conf CONTAINERS_STORAGE_CONF=$cache/storage.conf XDG_RUNTIME_DIR=$run
podman image exists "$image" 9>&- || make_image 9>&-
if [[ ${1:-} == application ]]; then
  # The image's parts come through a network, which Podman without root gets from slirp4netns.
  [[ $(id -u) == 0 || (-r /dev/net/tun && -w /dev/net/tun) ]] ||
    fail "an ordinary user's containers have no network here, since /dev/net/tun is closed (elsewhere its mode is 0666).
Open it, or leave these tests out: ./dev test --without-containers"
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
  podman build -q --target infrastructure --build-arg BASE_IMAGE="$image" --file "$root/Containerfile" \
    --tag localhost/rotv-test-infrastructure "$root/entrypoint" >&2 9>&-
fi
for name in CONTAINERS_CONF CONTAINERS_STORAGE_CONF XDG_RUNTIME_DIR; do printf '%s=%s\n' "$name" "${!name}"; done
printf 'IMAGE=%s\n' "$image"
