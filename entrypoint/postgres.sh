# shellcheck shell=bash
# The server: its programs, its cluster, its settings, its start and its end.

# The server's process; empty when it does not run.
server=''

find_programs() {
  [[ -n ${ROTV_PGBIN:-} ]] || ROTV_PGBIN=$(find_postgres_programs) || ROTV_PGBIN=''
  [[ -x $ROTV_PGBIN/initdb ]] || fail "PostgreSQL's programs are not here" "install its server, or set ROTV_PGBIN"
  export ROTV_PGBIN
}

# Runs in the background and waits: a signal does not have to wait for its end. Returns its status.
run() {  # COMMAND...
  local status=0
  "$@" <&0 &  # Else bash would give it an empty one.
  helpers=("$!")
  wait "$!" || status=$?
  helpers=()
  return "$status"
}

check_version() {
  local found ours
  found=$(<"$ROTV_DATA/PG_VERSION") ours=$("$ROTV_PGBIN/postgres" --version)
  ours=${ours##*PostgreSQL) } ours=${ours%%.*} ours=${ours%% *}
  [[ $found == "$ours" ]] || fail "the data in $ROTV_DATA is of PostgreSQL $found, and this is PostgreSQL $ours" \
    "start it with PostgreSQL $found, or upgrade it by pg_dump or pg_upgrade"
}

# In a directory below, since initdb wants an empty one, and moved: this one may have a lost+found, and has the marker.
make_cluster() {
  local new=$ROTV_DATA/rotv-new
  : >"$ROTV_DATA/$began_marker" || fail_full "$ROTV_DATA cannot be written to"
  run exec_plain "$ROTV_PGBIN/initdb" --pgdata="$new" --no-sync --no-instructions --username="$superuser" --auth=reject \
    --encoding=UTF8 --locale=C.UTF-8 >"$scratch/initdb" 2>&1 || {
    cat "$scratch/initdb"
    fail_full "initdb: $(grep -m 1 -E 'error|FATAL|ERROR|could not' "$scratch/initdb" || tail -n 1 "$scratch/initdb")"
  }
  { mv "$new"/* "$ROTV_DATA" && rmdir "$new"; } || fail "the new cluster cannot be moved to $ROTV_DATA"
  printf "include_if_exists 'rotv.conf'\n" >>"$ROTV_DATA/postgresql.conf"
  write_import_settings || fail_full "the settings cannot be written"
}

# While there is nothing to lose: nothing is written twice, and nothing waits for a disk.
unsafe_settings() {
  cat <<'END'
fsync = off
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
jit = off
END
}

# In both modes.
write_import_settings() {
  { unsafe_settings && cat; } <<'END' | write_settings
max_wal_size = 1GB
maintenance_work_mem = 256MB
max_parallel_maintenance_workers = 2
autovacuum = off
# Who is killed must not come back in recovery: the import has failed.
restart_after_crash = off
END
}

# The same server goes on, faster than it is safe: everything is gone at its end.
write_development_settings() {
  { unsafe_settings && cat; } <<'END' | write_settings
max_wal_size = 256MB
maintenance_work_mem = 64MB
autovacuum = on
END
}

# As safe as PostgreSQL is by default, and ready to be followed in turn, by readers that cannot fill the disk.
write_persistent_settings() {
  write_settings <<'END'
wal_level = logical
max_replication_slots = 10
max_wal_senders = 10
max_slot_wal_keep_size = 10GB
shared_buffers = 256MB
END
}

write_settings() { cat >"$ROTV_DATA/rotv.conf"; }

start_server() {
  try_to_start_server || fail_full "PostgreSQL does not start: it ended with status $?"
}

# The end of this process is the server's as well: no server is left behind by one that was killed.
try_to_start_server() {
  (
    # Bash starts what is in the background with interrupts ignored, and so would be all that the server starts.
    trap - INT QUIT
    exec_plain setpriv --pdeathsig INT "$ROTV_PGBIN/postgres" -D "$ROTV_DATA" -p "$ROTV_PGPORT" \
      -c "unix_socket_directories=$(quoted_list_item "$ROTV_SOCKET_DIR")" -c "listen_addresses=$ROTV_LISTEN" </dev/null
  ) &
  server=$!
  wait_for_server
}

# In a list of PostgreSQL's, where a space or a comma would end it.
quoted_list_item() { printf '"%s"' "${1//\"/\"\"}"; }

# As pg_ctl does it: the server says in its file when it is ready. Recovery takes as long as it takes. Returns the status
# of a server that has ended, which is not 0 then.
wait_for_server() {
  local lines
  while kill -0 "$server" 2>/dev/null; do
    if mapfile -t lines 2>/dev/null <"$ROTV_DATA/postmaster.pid" && [[ ${lines[0]:-} == "$server" && ${lines[7]:-} == ready* ]]; then
      return
    fi
    nap 0.01
  done
  local status=0
  wait "$server" || status=$?
  server=''
  return $((status == 0 ? 1 : status))
}

# Returns the server's status: what it had not yet written is lost where it is not 0.
stop_server() {
  [[ -n $server ]] || return 0
  local status=0
  # More than once: until it has become the server, this process ignores what interrupts it.
  while kill -INT "$server" 2>/dev/null; do
    for _ in {1..25}; do
      kill -0 "$server" 2>/dev/null || break
      nap 0.02
    done
  done
  wait "$server" || status=$?
  server=''
  return "$status"
}

# Killed in between, a server without fsync would come up again without the import.
stop_cleanly() { stop_server || fail_full "PostgreSQL did not end as it should: its status was $?"; }

# After the import: the settings to live with. A persistent cluster is on the disk before it counts as one.
finish_cluster() {
  if [[ $ROTV_MODE == development ]]; then
    write_development_settings || fail_full "the settings cannot be written"
    rm -f "$ROTV_DATA/$began_marker"
    if [[ -n $seeded_to ]]; then keep_cluster seeded "$seeded_to"; else kill -HUP "$server"; fi
    return
  fi
  stop_cleanly
  write_persistent_settings || fail_full "the settings cannot be written"
  run exec_plain "$ROTV_PGBIN/initdb" --sync-only --pgdata="$ROTV_DATA" >/dev/null || fail "the new cluster cannot be put on the disk"
  rm -f "$ROTV_DATA/$began_marker"
  sync "$ROTV_DATA"
  start_server
}

# An error, which is another one where the disk is full: a server that cannot write its log often says nothing of it.
fail_full() {  # TEXT [FILE WITH MORE WORDS]
  local blocks size
  read -r blocks size < <(stat -f -c '%a %S' "$ROTV_DATA") || true
  # A segment of the log is the largest thing that is made at once.
  if [[ $1 == *'No space left on device'* || $((${blocks:-0} * ${size:-0})) -lt $((16 << 20)) ]]; then
    fail "the data directory is full" "set a larger size: tmpfs_size in [app] of rotv.toml; without a container another place: ROTV_TMPFS_DIR"
  fi
  fail "$1" "${2:-}"
}
