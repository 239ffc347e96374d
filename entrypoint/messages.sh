# shellcheck shell=bash
# Writes the log lines that `rotv start` reads (cli/launch/startup_log): rotv: phase: cluster, server, import, carry,
# application or database only; rotv: import: BYTES of TOTAL; rotv: indexes: NUMBER of TOTAL; rotv: warm: unusable
# REASON, clone WAY, carried SECONDS or sent NAME PLACE; rotv: warning: TEXT; rotv: database ready; rotv: error: and
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
