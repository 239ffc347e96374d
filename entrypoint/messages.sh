# shellcheck shell=bash
# What `rotv start` reads in the log (cli/launch/startup_log): rotv: phase: cluster, server, import, application or database
# only; rotv: import: BYTES of TOTAL; rotv: prepared: NAME PLACE; rotv: warning: TEXT; rotv: database ready; rotv: error:
# and hint:. Everything else there is the server's and the application's own.

say() { printf 'rotv: %s\n' "$*"; }
phase() { say "phase: $1"; }

# The first thing that goes wrong is told, once and in one line; the trap on EXIT stops what runs.
fail() {  # TEXT [HINT]
  say "error: ${1//$'\n'/ }" >&2
  [[ -z ${2:-} ]] || say "hint: ${2//$'\n'/ }" >&2
  exit 1
}

# A signal ends it at once, which it would not do to a sleep in the foreground. (read -t would do without a process, but
# where a trap interrupts it bash leaves SIGCHLD blocked, and the next wait has no end.)
nap() {
  sleep "$1" &
  wait "$!"
}
