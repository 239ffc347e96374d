# The seed into the new cluster, in one transaction: all of it or nothing. COPY into tables of the same transaction
# writes no log where wal_level is minimal.

reporter_pid='' reader_pid=''

import_seed() {
  local errors status=0 start=$EPOCHREALTIME
  make_databases
  errors=$(mktemp)
  # Read by descriptor, whose position all that share it see: that is the progress.
  exec 8<"$seed" || fail "the seed $seed cannot be read"
  report_progress &
  reporter_pid=$!
  decompress 2>"$errors" <&8 | run_seed 2>>"$errors" &
  reader_pid=$!
  wait "$reader_pid" || status=$?
  reader_pid=''
  stop_import
  [[ $status == 0 ]] || explain_failure "$errors"
  rm -f "$errors"
  say "imported: $(awk -v start="$start" -v end="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", end - start }')"
}

make_databases() {
  local output
  output=$(psql_as postgres postgres 2>&1 <<END
CREATE ROLE "$role" SUPERUSER LOGIN;
CREATE DATABASE "$database" OWNER "$role";
CREATE DATABASE "${database}_test" OWNER "$role";
END
  ) || fail_if_full "$output" "the databases cannot be made: $(head -n 1 <<<"$output")"
}

psql_as() {  # ROLE DATABASE ARGUMENTS...
  "$pgbin/psql" -X -q -v ON_ERROR_STOP=1 --host="$socket_directory" --port="$port" --username="$1" --dbname="$2" "${@:3}"
}

run_seed() {
  # With the table's defaults for a second, and no notices of what does not exist yet.
  PGOPTIONS='-c client_min_messages=warning' psql_as "$role" "$database" --single-transaction --file=- >/dev/null
}

# By its first bytes: names lie.
decompress() {
  case $(head -c 4 "$seed" | od -An -tx1 | tr -d ' ') in
    28b52ffd) zstd -dcq || damaged ;;
    1f8b*) gzip -dc || damaged ;;
    *) cat ;;
  esac
}

damaged() {
  printf 'rotv: the seed is damaged\n' >&2
  return 1
}

report_progress() {
  local size position
  size=$(stat -Lc %s "$seed")
  while read -r _ position < <(grep '^pos:' "/proc/$$/fdinfo/8"); do
    say "import: $position of $size"
    sleep 0.5
  done
}

# Also in the middle, from the entrypoint's end.
stop_import() {
  [[ -z $reader_pid ]] || kill "$reader_pid" 2>/dev/null
  [[ -z $reporter_pid ]] || kill "$reporter_pid" 2>/dev/null
  reader_pid='' reporter_pid=''
  exec 8<&-
}

explain_failure() {  # FILE
  local text line message
  text=$(<"$1")
  rm -f "$1"
  printf '%s\n' "$text"
  if grep -q '^rotv: the seed is damaged' <<<"$text"; then
    fail "the seed is damaged: $(grep -v '^rotv:' <<<"$text" | head -n 1)" 'rotv seed writes it anew'
  fi
  # psql:<stdin>:1234: ERROR:  ...
  line=$(grep -m 1 -E '^psql:[^ ]*:[0-9]+: ' <<<"$text" || head -n 1 <<<"$text")
  message=$(sed -E 's/^psql:[^ ]*:([0-9]+): */line \1: /; s/ERROR:  /ERROR: /' <<<"$line")
  fail_if_full "$text" "the seed cannot be imported: $message"
}

finish_import() {
  : >"$data/rotv-import.conf"
  psql_as postgres postgres -c 'SELECT pg_reload_conf()' >/dev/null || fail 'PostgreSQL does not answer'
  if [[ $mode == persistent ]]; then
    psql_as postgres postgres -c CHECKPOINT || fail 'the imported data cannot be written'
    sync -f "$data"
  fi
  rm -f "$(began)"
}
