# shellcheck shell=bash
# Finds PostgreSQL's programs, creates a cluster, writes its settings, and starts and stops the server.

# The server's process; empty when it does not run.
server=''

find_programs() {
  [[ -n ${ROTV_PGBIN:-} ]] || ROTV_PGBIN=$(find_postgres_programs) || ROTV_PGBIN=''
  [[ -x $ROTV_PGBIN/initdb ]] || fail "PostgreSQL's programs are not installed here" "install its server, or set ROTV_PGBIN"
  export ROTV_PGBIN
}

# Sets `server_version`, as the server prints it, and `server_major`.
server_version='' server_major=''
ask_version() {
  if [[ -n $place_fd ]]; then
    know_place
  elif [[ -z $server_version ]]; then
    server_version=$("$ROTV_PGBIN/postgres" --version)
  fi
  server_major=${server_version##*PostgreSQL) } server_major=${server_major%%[!0-9]*}
}

# Runs a command in the background and waits for it, so that a signal is handled before it ends. Returns its status.
run() {  # COMMAND...
  local status=0
  "$@" <&0 &  # Otherwise bash would give it an empty stdin.
  helpers=("$!")
  wait "$!" || status=$?
  helpers=()
  return "$status"
}

check_version() {
  local found
  ask_version
  found=$(<"$ROTV_DATA/PG_VERSION")
  [[ $found == "$server_major" ]] || fail "the data in $ROTV_DATA is of PostgreSQL $found, and this is PostgreSQL $server_major" \
    "start it with PostgreSQL $found, or upgrade it by pg_dump or pg_upgrade"
}

# Begins to create a cluster in a subdirectory, because initdb needs an empty one: the directory itself has the marker, and
# maybe a lost+found.
initdb=''
start_initdb() {
  : >"$ROTV_DATA/$began_marker" || fail_full "$ROTV_DATA cannot be written to"
  exec_plain "$ROTV_PGBIN/initdb" --pgdata="$ROTV_DATA/rotv-new" --no-sync --no-instructions --username="$superuser" \
    --auth=reject --encoding=UTF8 --locale=C.UTF-8 >"$scratch/initdb" 2>&1 &
  initdb=$!
}

# Waits for that, and moves it.
make_cluster() {
  local new=$ROTV_DATA/rotv-new status=0
  [[ -n $initdb ]] || start_initdb
  helpers=("$initdb")
  wait "$initdb" || status=$?
  helpers=() initdb=''
  [[ $status == 0 ]] || {
    cat "$scratch/initdb"
    fail_full "initdb: $(grep -m 1 -E 'error|FATAL|ERROR|could not' "$scratch/initdb" || tail -n 1 "$scratch/initdb")"
  }
  # Before it is sent: a clone of the empty cluster has to read our settings, too.
  printf "include_if_exists 'rotv.conf'\n" >>"$new/postgresql.conf" || fail_full "the settings cannot be written"
  if [[ -n $empty_to ]]; then
    cp -R "$new"/. "$ROTV_DATA" || fail_full "the new cluster cannot be copied to $ROTV_DATA"
    send_empty "$new"
  else
    { mv "$new"/* "$ROTV_DATA" && rmdir "$new"; } || fail "the new cluster cannot be moved to $ROTV_DATA"
  fi
  write_import_settings || fail_full "the settings cannot be written"
}

# The settings while there is nothing to lose: nothing is written twice, and nothing waits for the disk.
unsafe_settings='fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
wal_init_zero = off
wal_recycle = off
checkpoint_timeout = 1h
shared_buffers = 256MB
# A dump in one transaction holds a lock for each of its objects.
max_locks_per_transaction = 1024
jit = off'

# The settings during the import, in both modes. Rows and indexes pass by the shared buffers, or through a few of them: more
# of them is only more memory that the kernel has to clear. Where the same server goes on afterwards, it has them from the
# beginning.
write_import_settings() {
  local buffers=256
  [[ $ROTV_MODE == development && -z $state_to ]] || buffers=$((32 + 16 * connections))
  write_settings "$unsafe_settings" "shared_buffers = ${buffers}MB" 'max_wal_size = 1GB' 'maintenance_work_mem = 256MB' \
    'max_parallel_maintenance_workers = 2' 'autovacuum = off' \
    '# If a backend is killed the import has failed: the server must not come back in recovery.' 'restart_after_crash = off'
}

# The settings after the import in development mode: the same server goes on, fast and unsafe, because everything is
# gone at its end.
write_development_settings() {
  write_settings "$unsafe_settings" 'max_wal_size = 256MB' 'maintenance_work_mem = 64MB' 'autovacuum = on'
}

# The settings of a persistent cluster: as safe as PostgreSQL's defaults, and ready for logical replication with slots
# that cannot fill the disk.
write_persistent_settings() {
  write_settings 'wal_level = logical' 'max_replication_slots = 10' 'max_wal_senders = 10' \
    'max_slot_wal_keep_size = 10GB' 'shared_buffers = 256MB'
}

# The settings of [app] come last, and count.
write_settings() {  # LINES...
  printf '%s\n' "$@" "${ROTV_SERVER_SETTINGS:-}" >"$ROTV_DATA/rotv.conf"
}

start_server() {
  local status=0 hint=''
  try_to_start_server || status=$?
  [[ -z ${ROTV_SERVER_SETTINGS:-} ]] || hint="look at the lines before in rotv logs, and at settings in [app] of rotv.toml"
  [[ $status == 0 ]] || fail_full "PostgreSQL does not start: it ended with status $status" "$hint"
}

# Starts the server so that it ends with this process, even if this process is killed.
try_to_start_server() {
  (
    # bash starts background processes with SIGINT ignored, and everything that the server starts would inherit that.
    trap - INT QUIT
    forget_warm
    close_warm  # Who reads the pipes waits for their end.
    exec_plain "${in_overlay[@]}" setpriv --pdeathsig INT "$ROTV_PGBIN/postgres" -D "$ROTV_DATA" -p "$ROTV_PGPORT" \
      -c 'log_line_prefix=postgres: %m [%p] ' -c "unix_socket_directories=$(quoted_list_item "$ROTV_SOCKET_DIR")" -c "listen_addresses=$ROTV_LISTEN" </dev/null
  ) &
  server=$!
  wait_for_server
}

# Quotes an item of a list in PostgreSQL's settings, where a space or a comma would end it.
quoted_list_item() { printf '"%s"' "${1//\"/\"\"}"; }

# Waits like pg_ctl: postmaster.pid says when the server is ready. There is no timeout, because recovery may take long.
# If the server has ended, returns its status, and 1 in place of 0.
wait_for_server() {
  while kill -0 "$server" 2>/dev/null; do
    ! run look_for_server || return 0
  done
  local status=0
  wait "$server" || status=$?
  server=''
  return $((status == 0 ? 1 : status))
}

# In a process of its own (await_gone).
look_for_server() {
  local lines quiet_fd
  trap - TERM INT HUP EXIT
  exec {quiet_fd}<> <(:)
  while kill -0 "$server" 2>/dev/null; do
    if mapfile -t lines 2>/dev/null <"$ROTV_DATA/postmaster.pid" && [[ ${lines[0]:-} == "$server" && ${lines[7]:-} == ready* ]]; then
      return 0
    fi
    read -r -t 0.004 -u "$quiet_fd" || true
  done
  return 1
}

# Stops the server and returns its status. If that is not 0, whatever the server had not yet written is lost.
stop_server() { end_server INT; }

# Ends the server without a checkpoint: what it has not written is not wanted.
stop_at_once() { end_server QUIT || true; }

# True if the process is the server already.
has_begun() {
  local first=''
  { read -r first <"$ROTV_DATA/postmaster.pid"; } 2>/dev/null || true
  [[ $first == "$server" ]]
}

end_server() {  # SIGNAL
  [[ -n $server ]] || return 0
  local status=0
  # It is sent more than once: until it has become the server, the process ignores it.
  while kill "-$1" "$server" 2>/dev/null; do
    kill -CONT "$server" 2>/dev/null || true  # It may be held (send_kept).
    if has_begun; then
      # A signal to us ends the wait, but not the server.
      while kill -0 "$server" 2>/dev/null; do wait "$server" || true; done
    else
      nap 0.02
    fi
  done
  wait "$server" || status=$?
  server=''
  return "$status"
}

# A server without fsync that was killed in between would start again without the import.
stop_cleanly() { stop_server || fail_full "PostgreSQL did not end as it should: its status was $?"; }

# Writes the final settings after the import. A persistent cluster is durable before its marker is removed.
finish_cluster() {
  if [[ $ROTV_MODE == development ]]; then
    write_development_settings || fail_full "the settings cannot be written"
    rm -f "$ROTV_DATA/$began_marker"
    if [[ -n $state_to ]]; then keep_state; else kill -HUP "$server"; fi
    return
  fi
  stop_cleanly
  write_persistent_settings || fail_full "the settings cannot be written"
  run exec_plain "$ROTV_PGBIN/initdb" --sync-only --pgdata="$ROTV_DATA" >/dev/null || fail "the new cluster cannot be synced to disk"
  rm -f "$ROTV_DATA/$began_marker"
  sync "$ROTV_DATA"
  start_server
}

# Fails with an error, or with another one if the disk is full: a server that cannot write its WAL often does not say
# so.
fail_full() {  # TEXT [FILE WITH MORE WORDS]
  local blocks size
  read -r blocks size < <(stat -f -c '%a %S' "$ROTV_DATA") || true
  # A WAL segment (16 MiB) is the largest file that is created at once.
  if [[ $1 == *'No space left on device'* || $((${blocks:-0} * ${size:-0})) -lt $((16 << 20)) ]]; then
    fail "the data directory is full" "set a larger tmpfs_size in [app] of rotv.toml; without a container, another place with ROTV_TMPFS_DIR"
  fi
  fail "$1" "${2:-}"
}
