# What `rotv start` reads in the log. Everything else in there is the server's and the application's.
#
#   rotv: phase: cluster | server | import | application | database only
#   rotv: import: 12345678 of 360000000     bytes of the seed's file, about every half second
#   rotv: database ready                    it answers, and holds the seed
#   rotv: error: TEXT                       the first one is the cause; the process then ends with 1
#   rotv: hint: TEXT

say() { printf 'rotv: %s\n' "$*"; }
phase() { say "phase: $*"; }

# Ends everything: the trap of the entrypoint stops what runs.
fail() {  # TEXT [HINT]
  say "error: $1"
  [[ -z ${2:-} ]] || say "hint: $2"
  exit 1
}
