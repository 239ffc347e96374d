# shellcheck shell=bash
# Keeps prepared clusters between starts in development mode: `empty`, with its databases, and `seeded`, with the seed
# imported. Each is a tar of the directory of a server that was stopped cleanly: after any other end unlogged tables are
# empty. cli/launch/prepared_clusters decides which of them fits the seed; what fits the server is decided here.

# This file is the last member of each tar, so that a tar that was cut off is recognised.
complete_marker=rotv-prepared-complete

# Prints what a cluster must agree with: how it is made here (3), the rights in it, the source's locales that are here
# and ICU, the server, the collation, its extensions, and the time zone that initdb takes over.
server_place() {
  local share icu
  share=$("$ROTV_PGBIN/pg_config" --sharedir 2>/dev/null) || share=''
  icu=$(ldd "$ROTV_PGBIN/postgres" 2>/dev/null | sed -n 's/.*libicui18n[^ ]* => \([^ ]*\).*/\1/p') || icu=''
  printf '3, %s, %s, %s, %s, %s, %s, %s, %s, %s' "$ROTV_TRUST" "$ROTV_SUPERUSER" \
    "$(locales_here)" "$([[ -z $icu ]] || realpath "$icu")" \
    "$("$ROTV_PGBIN/postgres" --version)" "$(uname -m)" "$(getconf GNU_LIBC_VERSION)" \
    "$(stat -c %Y "$share/extension" 2>/dev/null)" "${TZ:-$(readlink /etc/localtime)}"
}

# Opens the files that may be read and written, as the user who owns them. They are passed on like the seed.
open_prepared() {
  place=${ROTV_INTERNAL_PLACE:-}
  IFS=, read -r empty_from empty_to seeded_from seeded_to <<<"${ROTV_INTERNAL_PREPARED:-}"
  unset ROTV_INTERNAL_PLACE ROTV_INTERNAL_PREPARED
  [[ -n ${ROTV_PREPARED:-} && $ROTV_MODE == development && -z $place ]] || return 0
  place=$(server_place)
  if [[ ${ROTV_PREPARED_EMPTY:-} == "$place" ]]; then
    { exec {empty_from}<"$ROTV_PREPARED/empty.tar"; } 2>/dev/null || empty_from=''
  fi
  if [[ ${ROTV_PREPARED_SEEDED:-} == "$place" ]]; then
    { exec {seeded_from}<"$ROTV_PREPARED/seeded.tar"; } 2>/dev/null || seeded_from=''
  fi
  if [[ -w $ROTV_PREPARED/empty.new ]]; then exec {empty_to}>"$ROTV_PREPARED/empty.new"; fi
  if [[ -w $ROTV_PREPARED/seeded.new ]]; then exec {seeded_to}>"$ROTV_PREPARED/seeded.new"; fi
  export ROTV_INTERNAL_PLACE=$place ROTV_INTERNAL_PREPARED="$empty_from,$empty_to,$seeded_from,$seeded_to"
}

# Unpacks a prepared cluster. Returns 1 if there is none or if it is damaged; nothing of it is left then.
unpack_cluster() {  # FILE DESCRIPTOR, or nothing
  [[ -n $1 ]] || return 1
  : >"$ROTV_DATA/$began_marker" || fail_full "$ROTV_DATA cannot be written to"
  if run tar --extract --file=- --blocking-factor=2048 --directory="$ROTV_DATA" <&"$1" 2>"$scratch/tar" &&
    [[ -f $ROTV_DATA/$complete_marker ]]; then
    rm -f "$ROTV_DATA/$complete_marker"
    return
  fi
  drop_prepared "$(head -n 1 "$scratch/tar")"
  return 1
}

drop_prepared() {  # REASON
  say "the prepared cluster cannot be used, and is made again: ${1:-its end is missing}"
  empty_directory
}

# Stops the server, writes the cluster, and starts the server again. If the cluster cannot be kept, the next start takes
# longer, and nothing else happens.
keep_cluster() {  # NAME FILE DESCRIPTOR
  [[ -n $2 ]] || return 0
  stop_cleanly
  : >"$scratch/$complete_marker"
  if run tar --create --file=- --blocking-factor=2048 --exclude="./$began_marker" --exclude='./lost+found' \
    --directory="$ROTV_DATA" . --directory="$scratch" "$complete_marker" 1>&"$2" 2>"$scratch/tar"; then
    say "prepared: $1 $place"
  else
    say "the cluster is not kept for the next start: $(head -n 1 "$scratch/tar")"
  fi
  start_server
}

close_prepared() {
  local descriptor
  for descriptor in $empty_from $empty_to $seeded_from $seeded_to; do exec {descriptor}>&-; done
}
