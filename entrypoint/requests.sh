# shellcheck shell=bash
# What the entrypoint takes while it runs, besides signals to end: requests (entrypoint/request writes them and sends
# USR1), and the end of the process for which all of this runs.
#
#   ROTV_SOCKET_DIR/rotv-main      the entrypoint's process, once it takes requests
#   ROTV_SOCKET_DIR/rotv-request   `reset`, `refill` or `save`, and the process that asks; removed when it is taken
#   ROTV_SOCKET_DIR/rotv-answer    `ok TEXT`, `restart REASON` or `error REASON`
#   ROTV_SOCKET_DIR/rotv-pipe      takes the tar of `save`, and has that of `refill`

request_came=no
# The process that ends when the owner does; empty if there is no owner.
owner_watch=''
# Until this second ($SECONDS) an application that ends is started again: its connections were cut.
forgive_until=0

# Called as root, if this process was root: the lock's file may be closed to the service user.
open_owner() {
  owner_fd=${ROTV_INTERNAL_OWNER_FD:-}
  unset ROTV_INTERNAL_OWNER_FD
  [[ -n ${ROTV_OWNER:-} && -z $owner_fd ]] || return 0
  { exec {owner_fd}<"$ROTV_OWNER"; } 2>/dev/null || fail "$ROTV_OWNER, which the owner of this server locks, cannot be opened"
  export ROTV_INTERNAL_OWNER_FD=$owner_fd
}

# From now on this program ends when the owner's lock is free.
await_owner() {
  [[ -n $owner_fd ]] || return 0
  watch_owner &
  owner_watch=$!
}

# Holds neither the lock on the data nor anything that is read or sent.
watch_owner() {
  local waits
  trap - EXIT INT HUP
  close_seed
  close_warm
  exec {lock_fd}<&-
  flock "$owner_fd" &
  waits=$!
  trap 'kill "$waits" 2>/dev/null; exit 0' TERM
  wait "$waits" || return 0
  say "the program for which this database ran has ended"
  kill -TERM $$
}

# shellcheck disable=SC2317  # Called by the trap.
forget_owner() { [[ -z $owner_watch ]] || kill "$owner_watch" 2>/dev/null; }

# Nothing of the database is wanted. It gives back its memory here, since the owner may have been killed.
# shellcheck disable=SC2317  # Called by the trap.
stop_for_owner() {
  stop_at_once
  [[ $ROTV_MODE == persistent ]] || contents -exec rm -rf {} + 2>/dev/null
}

take_requests() {  # FILE DESCRIPTOR of a pipe that gets a line when one comes
  requests_fd=$1
  trap 'request_came=yes; printf "request\n" >&"$requests_fd"' USR1
  rm -f "$ROTV_SOCKET_DIR"/rotv-{request,answer,pipe}
  printf '%s\n' "$$" >"$ROTV_SOCKET_DIR/rotv-main" || fail "$ROTV_SOCKET_DIR cannot be written to"
}

answer() { printf '%s\n' "$*" >"$ROTV_SOCKET_DIR/rotv-answer.new" && mv "$ROTV_SOCKET_DIR"/rotv-answer{.new,}; }

# Does what was asked for, if anything was.
do_request() {
  local verb='' process=''
  [[ $request_came == yes ]] || return 0
  request_came=no
  { read -r verb process <"$ROTV_SOCKET_DIR/rotv-request"; } 2>/dev/null || return 0
  rm -f "$ROTV_SOCKET_DIR/rotv-request"
  # A trap ends a wait: nothing may be stopped or saved before all is sent.
  while [[ -n $sender ]] && kill -0 "$sender" 2>/dev/null; do wait "$sender" || true; done
  sender=''
  case $verb in
    reset) reset_cluster ;;
    refill) refill_cluster "$process" ;;
    save) save_cluster "$process" ;;
    *) answer "error this entrypoint knows no request $verb" ;;
  esac
  forgive_until=$((SECONDS + 15))
}

# An application may end because its connections were cut, which it was not asked about: it is started again then.
start_forgiven() {  # STATUS
  ((SECONDS < forgive_until)) || return 1
  say "the application has ended with status $1, since its connections were cut: it is started again"
  forgive_until=0
  start_application
}

# Only a start on a warm cluster can begin again by itself.
reset_cluster() {
  if [[ $ROTV_MODE == persistent ]]; then
    answer "error persistent data is not thrown away"
  elif [[ -z $warm_fd ]]; then
    answer "restart its data was imported"
  elif [[ -n $again_fd ]] && ! reopen_carry; then
    answer "restart there is no room for the changes that were made to its warm cluster"
  else
    say "reset: the changes are thrown away"
    stop_at_once
    clone_cluster || fail "the warm cluster cannot be cloned again: $problem" "rotv restart starts on clean data"
    begin_again
  fi
}

# A start that has imported its data has no warm cluster, but has perhaps left one: its files come through the pipe.
refill_cluster() {  # PROCESS
  if [[ $ROTV_MODE == persistent ]]; then
    answer "error persistent data is not thrown away"
    return
  fi
  say "reset: the changes are thrown away"
  stop_at_once
  if ! receive_files "$1"; then
    answer "restart its warm cluster could not be passed on"
    # A container without an application ends with this process, and whoever asked in it would not read the answer.
    run await_gone "$1" 2 || true
    fail "the changes could not be thrown away: ${problem:-not all files of the warm cluster have come}" \
      "rotv restart starts on clean data"
  fi
  begin_again
}

# Waits for the end of the tar, or of whoever asked. The last file is the one without which no server starts.
receive_files() {  # PROCESS
  local receiver status=0
  empty_directory
  : >"$ROTV_DATA/$began_marker" || fail_full "$ROTV_DATA cannot be written to"
  problem=''
  (umask 077 && exec_plain tar --extract --file=- --directory="$ROTV_DATA" <"$ROTV_SOCKET_DIR/rotv-pipe" 2>"$scratch/copy") &
  receiver=$!
  while kill -0 "$receiver" 2>/dev/null; do
    kill -0 "$1" 2>/dev/null || kill -TERM "$receiver" 2>/dev/null || true
    run await_gone "$receiver" 1
  done
  wait "$receiver" || status=$?
  problem=$(head -n 1 "$scratch/copy")
  [[ $problem != *'No space left on device'* ]] || fail_full "$problem"
  [[ $status == 0 && -f $ROTV_DATA/global/pg_control ]]
}

# Starts the server on clean files.
begin_again() {
  { write_development_settings && { [[ -z $again_fd ]] || write_carry_settings; }; } ||
    fail_full "the settings cannot be written"
  renew_hba
  [[ -z $again_fd ]] || carry_alone
  start_server
  rm -f "$ROTV_DATA/$began_marker"
  set_password
  say "reset: done"
  answer ok
}

# Carries where nobody else reaches the server. The application, which goes on, would read the older state, write without
# triggers and foreign keys, or hold locks that the carry waits for. So the server has a socket of another number, which
# is no longer a path than the usual one, and no port.
carry_alone() {
  local ROTV_PGPORT=$((ROTV_PGPORT == 1 ? 2 : 1)) ROTV_LISTEN=''
  rm -f "$ROTV_SOCKET_DIR/.s.PGSQL.$ROTV_PGPORT" "$ROTV_SOCKET_DIR/.s.PGSQL.$ROTV_PGPORT.lock"
  start_server
  carry
  exec {carry_fd}<&-
  stop_cleanly
}

# Stops the server while its files are sent, and starts it again, whether or not whoever asked still reads.
save_cluster() {  # PROCESS
  local sender status=0
  if [[ $ROTV_MODE == persistent ]]; then
    answer "error persistent data is kept where it is"
    return 0
  fi
  say "save: the server is stopped while its files are read"
  stop_cleanly
  (exec {pipe_fd}>"$ROTV_SOCKET_DIR/rotv-pipe" && send_files "$pipe_fd") &
  sender=$!
  helpers=("$sender")
  while kill -0 "$sender" 2>/dev/null; do
    kill -0 "$1" 2>/dev/null || kill -TERM "$sender" 2>/dev/null || true
    nap 0.05
  done
  wait "$sender" || status=$?
  start_server
  say "save: done"
  know_place
  if [[ $status == 0 ]]; then answer "ok $place"; else answer "error the cluster's files could not be sent"; fi
}
