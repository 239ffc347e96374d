# shellcheck shell=bash
# Prepares the data directory: its owner, its lock, its contents. A directory that we did not begin is never emptied,
# except a cluster in development mode, which is ours by definition.

# This file is in the directory from before initdb until the import is durable: a directory with it has an incomplete
# cluster of ours.
began_marker=rotv-import-began

# Called before anything in the directory is changed.
require_our_directory() {
  [[ ! -f $ROTV_DATA/PG_VERSION && ! -e $ROTV_DATA/$began_marker ]] || return 0
  [[ ! -d $ROTV_DATA || -z $(contents -print -quit) ]] ||
    fail "$ROTV_DATA contains something other than a PostgreSQL cluster" "name another directory, or empty it yourself"
}

# Called as root, before it changes to another user.
give_directories() {
  [[ ${ROTV_CLONE:-} != made ]] || return 0  # So are these.
  mkdir -p "$ROTV_DATA" "$ROTV_SOCKET_DIR" || fail "$ROTV_DATA cannot be created"
  if [[ ${ROTV_CLONE:-} == mounted ]]; then
    # Whoever reaches the files of a warm cluster may write them. To change their owner would copy them.
    chown -h "$ROTV_OS_USER:" "$ROTV_DATA" "$ROTV_SOCKET_DIR" || fail "the owner of $ROTV_DATA cannot be changed"
    return
  fi
  # Only files with another owner are changed: on a large cluster and a slow disk this takes long.
  {
    # The directory may already belong to that user, who could put links in it: links are not followed, in the path
    # neither (-execdir), and a file with a second name is left alone, because it may belong to another user.
    PATH=/usr/sbin:/usr/bin:/sbin:/bin find "$ROTV_DATA" ! -user "$ROTV_OS_USER" ! -path '*/lost+found*' \
      \( -type d -o -links 1 \) -execdir chown -h "$ROTV_OS_USER:" {} + &&
      chown -h "$ROTV_OS_USER:" "$ROTV_SOCKET_DIR"
  } || fail "the owner of $ROTV_DATA cannot be changed to $ROTV_OS_USER"
}

# Sets `cluster` to `there` or `missing`.
prepare_directories() {
  if [[ ${ROTV_CLONE:-} != made ]]; then
    (umask 077 && mkdir -p "$ROTV_DATA" "$ROTV_SOCKET_DIR") || fail "$ROTV_DATA cannot be created"
    chmod 700 "$ROTV_DATA" "$ROTV_SOCKET_DIR" || fail "$ROTV_DATA belongs to another user"
  fi
  lock_directory
  if [[ $ROTV_MODE == persistent && -f $ROTV_DATA/PG_VERSION && ! -e $ROTV_DATA/$began_marker ]]; then
    cluster=there
    return
  fi
  cluster=missing
  [[ ${ROTV_CLONE:-} != @(mounted|made) ]] || return 0
  if [[ -f $ROTV_DATA/PG_VERSION || -e $ROTV_DATA/$began_marker ]]; then empty_directory; fi
  [[ $seed_format != none || -n $warm_fd ]] ||
    fail "there is no seed for the new database" "rotv seed writes one; ROTV_SEED says where it is"
}

# Locks the directory itself; nothing is written. The server inherits the lock, so that it is released when the last
# process on this data has ended, whichever process was killed, and in whichever container.
lock_directory() {
  exec {lock_fd}<"$ROTV_DATA"
  flock -w 10 "$lock_fd" || fail "another PostgreSQL of rotv runs on $ROTV_DATA" "rotv stop stops it"
  remove_socket_lock
  local pid=''
  [[ ! -f $ROTV_DATA/postmaster.pid ]] || read -r pid <"$ROTV_DATA/postmaster.pid" || true
  [[ -n $pid ]] || return 0
  if [[ $(cat "/proc/$pid/comm" 2>/dev/null) == postgres &&
    "$(readlink "/proc/$pid/cwd")" == "$(realpath "$ROTV_DATA")" ]]; then
    fail "PostgreSQL runs on $ROTV_DATA already, as process $pid"
  fi
  # A killed server left the file. In a new container another process soon has its number, and the server would refuse
  # to start.
  rm -f "$ROTV_DATA/postmaster.pid"
}

# Removes the socket's lock file that a killed server on this data left. We hold the lock on the data, so no server
# runs. A new server would take the file for that of a live one as long as any process has its number, even a zombie.
remove_socket_lock() {
  local lock=$ROTV_SOCKET_DIR/.s.PGSQL.$ROTV_PGPORT.lock lines
  [[ -f $lock ]] || return 0
  mapfile -t lines <"$lock" || return 0
  [[ ${lines[1]:-} != "$(realpath "$ROTV_DATA")" && ${lines[1]:-} != "$ROTV_DATA" ]] || rm -f "$lock"
}

# Lists what is in the directory, without a file system's own lost+found.
contents() { find "$ROTV_DATA" -mindepth 1 -maxdepth 1 ! -name lost+found "$@"; }

# The marker is removed last: if this is killed, the next start continues.
empty_directory() {
  : >"$ROTV_DATA/$began_marker"
  contents ! -name "$began_marker" -exec rm -rf {} + || fail "$ROTV_DATA cannot be emptied"
  rm -f "$ROTV_DATA/$began_marker"
}
