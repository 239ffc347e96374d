# The cluster and its server.

server_pid='' cluster_is_new=no

# An import that did not end leaves this: such a cluster is nobody's data yet.
began() { printf '%s' "$data/rotv-import-began"; }

prepare_cluster() {
  mkdir -p "$data" "$socket_directory" || fail "the directory $data cannot be made"
  if [[ $(id -u) == 0 ]]; then
    id "$os_user" >/dev/null 2>&1 || fail "there is no user $os_user, whom PostgreSQL needs: it refuses to run as root"
    chown "$os_user" "$data" "$socket_directory"
  fi
  chmod 0700 "$data"
  chmod 0755 "$socket_directory"  # The application may be another user.
  if [[ -e $data/PG_VERSION && $mode == persistent && ! -e $(began) ]]; then
    require_same_version
    return
  fi
  if [[ -n $(ls -A "$data") ]]; then
    [[ -e $data/PG_VERSION || -e $(began) ]] || fail "$data holds something that is no PostgreSQL cluster" \
      'look at it, and empty it if nobody needs it'
    find "$data" -mindepth 1 -delete
  fi
  cluster_is_new=yes
  [[ -n $seed && -r $seed ]] || fail "there is no seed ${seed:-to import}" 'rotv seed writes one'
  make_cluster
}

require_same_version() {
  local theirs ours
  theirs=$(<"$data/PG_VERSION")
  ours=$("$pgbin/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
  [[ $theirs == "$ours" ]] || fail "the persistent cluster was made by PostgreSQL $theirs, and this is $ours" \
    "dump it with PostgreSQL $theirs, move the directory away, and start again"
}

make_cluster() {
  local output
  # Trusted, because only its own socket and loopback lead to it, and nothing in there is anyone's but the developer's.
  output=$(exec_as "$os_user" "$pgbin/initdb" --pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 \
    --locale=C.UTF-8 --no-sync --no-instructions 2>&1) || fail_if_full "$output" "initdb fails: $(tail -n 1 <<<"$output")"
  : >"$(began)"
  write_settings >>"$data/postgresql.conf"
  # For the import alone: finish_import takes it away.
  printf 'autovacuum = off\nmaintenance_work_mem = 256MB\n' >"$data/rotv-import.conf"
  chmod a+r "$data/rotv-import.conf"
}

# In development nothing survives anyway, so that nothing is made durable.
write_settings() {
  cat <<END
listen_addresses = '$listen'
port = $port
unix_socket_directories = '$socket_directory'
logging_collector = off
include_if_exists = 'rotv-import.conf'
log_checkpoints = off
END
  if [[ $mode == persistent ]]; then
    cat <<END
wal_level = logical
max_slot_wal_keep_size = 10GB
END
  else
    cat <<END
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 8GB
shared_buffers = 256MB
END
  fi
}

start_server() {
  # In a session of its own: a Ctrl-C on a terminal is ours to pass on.
  (exec_as "$os_user" setsid "$pgbin/postgres" -D "$data") &
  server_pid=$!
  until "$pgbin/pg_isready" --quiet --username=postgres --host="$socket_directory" --port="$port"; do
    kill -0 "$server_pid" 2>/dev/null || fail 'PostgreSQL does not start'
    sleep 0.02 & wait $!
  done
}

stop_server() {
  [[ -n $server_pid ]] || return 0
  kill -INT "$server_pid" 2>/dev/null  # "fast": sessions end, the data is written.
  wait "$server_pid" 2>/dev/null
  server_pid=''
}

wait_for_server() {
  wait "$server_pid" || true
  fail 'PostgreSQL has ended'
}

fail_if_full() {  # OUTPUT OTHERWISE
  if grep -qiE 'no space left on device|disk quota|could not extend file' <<<"$1"; then
    fail 'the directory of the database is full' 'set a larger tmpfs_size in [app] of rotv.toml'
  fi
  fail "$2"
}
