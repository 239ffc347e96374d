# shellcheck shell=bash
# The seed, from the file into the database: in one transaction, so that tables that were made in it need no log, and an
# error leaves nothing.

# Sets `seed_format` (none, plain, zstd, gzip) and opens the seed as `seed_fd`. A process that was root has done both.
open_seed() {
  seed_format=${ROTV_INTERNAL_SEED_FORMAT:-} seed_fd=${ROTV_INTERNAL_SEED_FD:-}
  unset ROTV_INTERNAL_SEED_FORMAT ROTV_INTERNAL_SEED_FD
  [[ -z $seed_format ]] || return 0
  local candidate magic
  if [[ -z ${ROTV_SEED:-} ]]; then
    for candidate in /tmp/seed-data.sql /tmp/seed-data.sql.zst /tmp/seed-data.sql.gz; do
      [[ ! -e $candidate ]] || { ROTV_SEED=$candidate && break; }
    done
  fi
  seed_format=none
  if [[ -n ${ROTV_SEED:-} ]]; then
    [[ -f $ROTV_SEED ]] || fail "there is no seed $ROTV_SEED"
    { exec {seed_fd}<"$ROTV_SEED"; } 2>/dev/null || fail "the seed $ROTV_SEED cannot be read"
    magic=$(od -An -N4 -tx1 "$ROTV_SEED" | tr -d ' ')
    case $magic in
      28b52ffd) seed_format=zstd ;;
      1f8b*) seed_format=gzip ;;
      *) seed_format=plain && check_plain_seed ;;
    esac
  fi
  export ROTV_INTERNAL_SEED_FORMAT=$seed_format ROTV_INTERNAL_SEED_FD=$seed_fd
}

# psql takes the end of a file that stops within a table's rows for the end of the table. What pg_dump began it has to
# have ended.
check_plain_seed() {
  [[ -s $ROTV_SEED ]] || fail "the seed is damaged: $ROTV_SEED is empty" "rotv seed writes it anew"
  ! head -c 200 "$ROTV_SEED" | grep -q '^-- PostgreSQL database dump' ||
    tail -c 400 "$ROTV_SEED" | grep -q '^-- PostgreSQL database dump complete' ||
    fail "the seed is damaged: its end is missing" "rotv seed writes it anew"
}

import_seed() {
  local start=$EPOCHREALTIME decompressor='' reader status=0 damaged=0 milliseconds
  phase import
  if [[ $seed_format == plain ]]; then
    run_psql <&"$seed_fd" &
  else
    command -v "$seed_format" >/dev/null || fail "the seed is compressed, and there is no $seed_format here"
    exec {plain_fd}< <(exec "$seed_format" -dc <&"$seed_fd" 2>"$scratch/decompressor")
    decompressor=$!
    run_psql <&"$plain_fd" &
  fi
  importer=$!
  helpers=("$importer" ${decompressor:+"$decompressor"})
  reader=${decompressor:-$importer}
  # A reader that is not held open by us ends when psql does.
  [[ -z $decompressor ]] || exec {plain_fd}<&-
  show_progress "$reader" "$importer"
  wait "$importer" || status=$?
  [[ -z $decompressor ]] || wait "$decompressor" || damaged=$?
  helpers=()
  check_import "$status" "$damaged"
  milliseconds=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000))
  printf -v milliseconds '%04d' "$milliseconds"
  say "imported: ${milliseconds%???}.$(printf '%.1s' "${milliseconds: -3}") s"
}

run_psql() {
  exec "$ROTV_PGBIN/psql" -X -q -v ON_ERROR_STOP=1 --single-transaction -o /dev/null -h "$ROTV_SOCKET_DIR" \
    -p "$ROTV_PGPORT" -U "$ROTV_DBUSER" -d "$ROTV_DATABASE" -f - 2>"$scratch/psql"
}

# How far the reader of the file has come, by the kernel's word for it: no copy of the seed goes through another process.
show_progress() {  # READER IMPORTER
  local size position pause
  size=$(stat -L -c %s "/proc/$$/fd/$seed_fd") || return 0
  while kill -0 "$2" 2>/dev/null; do
    if position=$(sed -n 's/^pos:[[:space:]]*//p' "/proc/$1/fdinfo/0" 2>/dev/null) && [[ -n $position ]]; then
      say "import: $position of $size"
    fi
    # Until it is time again, or the import ends.
    sleep 0.5 &
    pause=$!
    helpers+=("$pause")
    wait -n "$2" "$pause" || true
    kill "$pause" 2>/dev/null || true
  done
}

# The one reason that explains the others: a full disk, a damaged file, then what psql said.
check_import() {  # STATUS OF PSQL, OF THE DECOMPRESSOR
  local first='' place
  cat "$scratch/psql" >&2
  if grep -q 'No space left on device' "$scratch/psql"; then fail_full 'No space left on device'; fi
  if [[ $1 != 0 ]]; then
    first=$(grep -m 1 -E '^psql:.*(ERROR|FATAL|PANIC):' "$scratch/psql" || grep -m 1 . "$scratch/psql" || true)
  fi
  # A decompressor that nobody reads from any more ends by a signal (141), which is no fault of the file.
  if [[ $2 != 0 && ($2 != 141 || $1 == 0) ]] && grep -q . "$scratch/decompressor"; then
    fail "the seed is damaged: $(tr '\r' '\n' <"$scratch/decompressor" | grep -m 1 .)" "rotv seed writes it anew"
  fi
  [[ $1 != 0 || $2 != 0 ]] || return 0
  place=$(sed -n 's/^CONTEXT:  *\(COPY [^:,]*, line [0-9]*\(, column [^:]*\)\{0,1\}\).*/ (\1)/p' "$scratch/psql" | head -n 1)
  first=$(sed -E 's/^psql:<stdin>:([0-9]+): */line \1: /' <<<"${first:-psql ended with status $1}")
  fail_full "the seed cannot be imported: $first$place"
}
