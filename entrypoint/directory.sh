# shellcheck shell=bash
# The data directory: whose it is, what is in it, and what may be taken out of it. One that we did not begin is never
# emptied, except a cluster in development mode, where it is ours by definition.

# In the directory from before initdb until the import is safe on the disk: who finds it finds half a cluster of ours.
began_marker=rotv-import-began

# Before anything of it is changed.
require_our_directory() {
  [[ -d $ROTV_DATA && -n $(contents -print -quit) ]] || return 0
  [[ -f $ROTV_DATA/PG_VERSION || -e $ROTV_DATA/$began_marker ]] ||
    fail "$ROTV_DATA holds something that is no PostgreSQL cluster" "name another directory, or empty it yourself"
}

# For root, before it becomes somebody else.
give_directories() {
  mkdir -p "$ROTV_DATA" "$ROTV_SOCKET_DIR" || fail "$ROTV_DATA cannot be made"
  # Only what is not right already: on a large cluster and on a slow disk this takes long.
  {
    # The directory may be that user's already: links are not followed, on the way neither (-execdir), and a file with a
    # second name may be somebody else's.
    PATH=/usr/sbin:/usr/bin:/sbin:/bin find "$ROTV_DATA" ! -user "$ROTV_OS_USER" ! -path '*/lost+found*' \
      \( -type d -o -links 1 \) -execdir chown -h "$ROTV_OS_USER:" {} + &&
      chown -h "$ROTV_OS_USER:" "$ROTV_SOCKET_DIR"
  } || fail "$ROTV_DATA cannot be given to the user $ROTV_OS_USER"
}

# Sets `cluster` to `there` or `missing`.
prepare_directories() {
  (umask 077 && mkdir -p "$ROTV_DATA" "$ROTV_SOCKET_DIR") || fail "$ROTV_DATA cannot be made"
  chmod 700 "$ROTV_DATA" "$ROTV_SOCKET_DIR" || fail "$ROTV_DATA is not ours"
  lock_directory
  if [[ $ROTV_MODE == persistent && -f $ROTV_DATA/PG_VERSION && ! -e $ROTV_DATA/$began_marker ]]; then
    cluster=there
    return
  fi
  cluster=missing
  if [[ -f $ROTV_DATA/PG_VERSION || -e $ROTV_DATA/$began_marker ]]; then empty_directory; fi
  [[ $seed_format != none ]] ||
    fail "there is no seed to fill the new database with" "rotv seed writes one; ROTV_SEED says where it is"
}

# The server inherits the lock, so that it is free when the last process on this data has gone, whoever was killed, and in
# whichever container. A directory can be locked as a file can; nothing is written.
lock_directory() {
  exec {lock_fd}<"$ROTV_DATA"
  flock -w 10 "$lock_fd" || fail "another PostgreSQL of rotv runs on $ROTV_DATA" "rotv stop ends it"
  remove_socket_lock
  local pid=''
  [[ ! -f $ROTV_DATA/postmaster.pid ]] || read -r pid <"$ROTV_DATA/postmaster.pid" || true
  [[ -n $pid ]] || return 0
  if [[ $(cat "/proc/$pid/comm" 2>/dev/null) == postgres &&
    "$(readlink "/proc/$pid/cwd")" == "$(realpath "$ROTV_DATA")" ]]; then
    fail "PostgreSQL runs on $ROTV_DATA already, as process $pid"
  fi
  # Left by a killed one. In a new container its number is somebody else's soon, and the server would refuse to start.
  rm -f "$ROTV_DATA/postmaster.pid"
}

# The socket's lock of a server that was killed, on this data, which is locked by us now: the server would take it for a
# living one's as long as its number is anybody's, be it that of a process that nobody has waited for yet.
remove_socket_lock() {
  local lock=$ROTV_SOCKET_DIR/.s.PGSQL.$ROTV_PGPORT.lock lines
  [[ -f $lock ]] || return 0
  mapfile -t lines <"$lock" || return 0
  [[ ${lines[1]:-} != "$(realpath "$ROTV_DATA")" && ${lines[1]:-} != "$ROTV_DATA" ]] || rm -f "$lock"
}

# What counts in the directory: a file system's own lost+found does not.
contents() { find "$ROTV_DATA" -mindepth 1 -maxdepth 1 ! -name lost+found "$@"; }

# The marker goes last: killed here, the next start goes on with it.
empty_directory() {
  : >"$ROTV_DATA/$began_marker"
  contents ! -name "$began_marker" -exec rm -rf {} + || fail "$ROTV_DATA cannot be emptied"
  rm -f "$ROTV_DATA/$began_marker"
}
