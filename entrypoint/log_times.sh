# shellcheck shell=bash
# Notes how long the log is at which time, for `rotv logs --since` (cli/launch/log_time.h). A container's runtime knows
# that by itself; without one the log is a file, $ROTV_LOG_TIMES names the file beside it, and nothing else knows.

# The process that writes the notes; empty if there is none.
log_times=''

# Called before root changes to another user, who may not reach the file.
open_log_times() {
  log_times_fd=${ROTV_INTERNAL_LOG_TIMES_FD:-}
  unset ROTV_INTERNAL_LOG_TIMES_FD
  [[ -n ${ROTV_LOG_TIMES:-} && -z $log_times_fd ]] || return 0
  { exec {log_times_fd}>>"$ROTV_LOG_TIMES"; } 2>/dev/null || log_times_fd=''
  export ROTV_INTERNAL_LOG_TIMES_FD=$log_times_fd
}

start_log_times() {
  [[ -n $log_times_fd ]] || return 0
  note_log_times &
  log_times=$!
  exec {log_times_fd}>&-
}

# Ends within two seconds after the entrypoint. It has no lock on the data, which would outlive the server's.
note_log_times() {
  local log never bytes last=''
  trap - INT TERM HUP EXIT
  [[ -z ${seed_fd:-} ]] || exec {seed_fd}<&-
  [[ -z ${plan_fd:-} ]] || exec {plan_fd}<&-
  close_warm
  exec {log}>&1 {never}<> <(:)
  while kill -0 $$ 2>/dev/null; do
    bytes=$(stat -L -c %s "/proc/self/fd/$log") || return
    [[ $bytes == "$last" ]] || printf '%s %s\n' "$EPOCHSECONDS" "$bytes" >&"$log_times_fd"
    last=$bytes
    # Waits without a process of its own, which a signal would leave behind.
    read -r -t 2 -u "$never" || true
  done
}

stop_log_times() {
  [[ -z $log_times ]] || kill "$log_times" 2>/dev/null
  log_times=''
}
