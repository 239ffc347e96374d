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

# --- A private apt: its own sources and lists, no installed package, and the machine's keys and proxy.

apt_options=()
set_apt_options() {  # APT
  local apt=$1
  mkdir -p "$apt"/{lists,cache/archives}/partial
  : >"$apt/status"
  apt_options=(-q -o "Dir::State=$apt" -o "Dir::State::Lists=$apt/lists" -o "Dir::State::status=$apt/status"
    -o "Dir::Cache=$apt/cache" -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/sources"
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
    -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User=root
    -o APT::Install-Recommends=false -o Debug::NoLocking=true)
}

# The dependencies of those, down to the C library. Only names lib*: programs and texts are not needed.
closure() {  # LIBRARY...
  apt-get "${apt_options[@]}" -qq --print-uris -y install "$@" | sed -n "s/^'[^']*' \(lib[^_]*\)_.*/\1/p"
}

# Makes the directory FINAL of the cache by a command that fills the directory `root`, and may put what it needs
# meanwhile beside it, in `root`.apt. FINAL is made under another name and renamed: an existing one is complete. One
# process makes it at a time; a waiting one finds the result.
make_once() {  # FINAL COMMAND ARGUMENT...
  local final=$1 name lock root
  [[ ! -d $final ]] || return 0
  name=$(basename "$final")
  mkdir -p "$(dirname "$final")"
  exec {lock}>"$(dirname "$final")/.lock-$name"
  flock "$lock"
  if [[ ! -d $final ]]; then
    root=$(dirname "$final")/.new-$name
    rm -rf "$root" "$root.apt"
    "${@:2}"
    rm -rf "$root.apt"
    mv -T "$root" "$final"
  fi
  exec {lock}>&-
}
