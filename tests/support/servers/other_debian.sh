# shellcheck shell=bash
# Sourced by the scripts in this folder: finds packages of other Debian releases than the machine's own, and the cache
# for the results.
#
# ROTV_TEST_CACHE         the cache: else /var/cache/rotv-test for root, whose home a server's user cannot read, and
#                         ~/.cache/rotv-test for other users. It may be deleted at any time
# ROTV_TEST_APT_SOURCES   a file NAME.list or NAME.sources for Debian, in which @SUITE@ is replaced by the release's
#                         name: for machines that are not a Debian

fail() {
  printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
  exit 1
}

cache_directory() {
  if [[ -n ${ROTV_TEST_CACHE:-} ]]; then
    printf '%s' "$ROTV_TEST_CACHE"
  elif [[ $(id -u) == 0 ]]; then
    printf /var/cache/rotv-test
  else
    printf '%s/rotv-test' "${XDG_CACHE_HOME:-$HOME/.cache}"
  fi
}

# Writes apt's sources for a release into a directory: the machine's own, with the release's name in place of the
# machine's. Fails if the machine is not a Debian and no mirror is named.
write_sources() {  # SUITE DIRECTORY
  local suite=$1 directory=$2 file id codename
  mkdir -p "$directory"
  if [[ -n ${ROTV_TEST_APT_SOURCES:-} ]]; then
    sed "s/@SUITE@/$suite/g" "$ROTV_TEST_APT_SOURCES" >"$directory/${ROTV_TEST_APT_SOURCES##*/}"
    return
  fi
  # shellcheck disable=SC1091
  id=$(. /etc/os-release && printf '%s' "${ID:-}") codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  [[ $id == debian && -n $codename ]] || return 1
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    if ! { [[ -f $file ]] && grep -qw "$codename" "$file"; }; then continue; fi
    sed "s/\b$codename\b/$suite/g" "$file" >"$directory/$(basename "$file" .sources | sed 's/[.]list$//').${file##*.}"
  done
}
