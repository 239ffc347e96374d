# shellcheck shell=bash
# Writes the log lines that `rotv start` reads (cli/launch/startup_log): rotv: phase: cluster, server, import, carry,
# application or database only; rotv: import: BYTES of TOTAL; rotv: indexes: NUMBER of TOTAL; rotv: warm: unusable
# REASON, clone WAY, carried SECONDS or sends NAME PLACE; rotv: warning: TEXT; rotv: database ready; rotv: error: and
# hint:; rotv: the application ended with status N. All other lines are the server's or the application's.

say() { printf 'rotv: %s\n' "$*"; }
phase() { say "phase: $1"; }

# Reports an error on one line and exits, so that only the first error is reported; the trap on EXIT stops what runs.
fail() {  # TEXT [HINT]
  local text="error: ${1//$'\n'/ }"
  # One write: whoever follows the log of a container that ends here has both lines or neither.
  [[ -z ${2:-} ]] || text+=$'\n'"rotv: hint: ${2//$'\n'/ }"
  say "$text" >&2
  exit 1
}

# Sleeps. A signal ends it at once, unlike a sleep in the foreground. (read -t would need no process, but if a trap
# interrupts it bash leaves SIGCHLD blocked, and the next wait never returns.)
nap() {
  sleep "$1" &
  wait "$!"
}

# Returns when a process of ours has ended, or after so many seconds. In a process of its own, which may wait by read -t:
# a sleep would be one for each look.
await_gone() {  # PROCESS SECONDS
  local quiet_fd steps=$(($2 * 200))
  trap - TERM INT HUP EXIT
  exec {quiet_fd}<> <(:)
  while kill -0 "$1" 2>/dev/null && ((steps-- > 0)); do read -r -t 0.005 -u "$quiet_fd" || true; done
}

# Writes a line to a pipe twice a second, until it is stopped or this process is gone. Whoever reads that pipe wakes up
# by it: `read -t` must not be used where a signal may come (see nap), and `wait -n` can miss an end. Here it may: this
# process has no children, and costs nothing while it waits.
start_ticks() {  # FILE DESCRIPTOR
  local quiet=$scratch/quiet.$1
  [[ -p $quiet ]] || mkfifo "$quiet"
  (
    exec {quiet_fd}<>"$quiet"
    while kill -0 "$$"; do
      read -r -t 0.5 -u "$quiet_fd" || true
      printf 'tick\n' >&"$1" || exit
    done
  ) </dev/null >/dev/null 2>&1 &
  ticker=$!
}

# KILL, because bash drops a TERM that comes before a new process of its own has set its traps, and the wait would never
# return.
stop_ticks() {
  # bash tells of a killed process.
  { kill -KILL "$ticker" && wait "$ticker"; } 2>/dev/null || true
}

# True if a process of ours was started and has ended.
has_ended() {  # PROCESS, empty for none
  [[ -n $1 ]] && ! kill -0 "$1" 2>/dev/null
}

# Sets `status` to that of a process that has ended.
take_status() {  # PROCESS
  status=0
  wait "$1" 2>/dev/null || status=$?
}

# Runs a command, and writes a line to a pipe when it has ended: WORD STATUS. Only in a subshell of its own. Where it is
# killed it writes nothing. Its command is killed by KILL for the reason of stop_ticks.
run_and_tell() {  # FILE DESCRIPTOR, WORD, COMMAND...
  local pipe=$1 word=$2 child='' stopped='' status=0
  shift 2
  trap 'stopped=yes; [[ -z $child ]] || kill -KILL "$child" 2>/dev/null || true' TERM
  "$@" <&0 &
  child=$!
  # The signal may have come between these two lines.
  [[ -z $stopped ]] || kill -KILL "$child" 2>/dev/null || true
  wait "$child" 2>/dev/null || status=$?  # bash tells of a killed process.
  if [[ -n $stopped ]]; then
    wait "$child" 2>/dev/null || true
    exit 143
  fi
  printf '%s %s\n' "$word" "$status" >&"$pipe"
  exit "$status"
}
