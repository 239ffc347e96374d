# shellcheck shell=bash
# Imports the seed into the database. The seed is read twice, by the same filter (seed_filter.awk): for what the
# superuser has to create first, and for what the application's role runs. By one connection it is one transaction:
# tables that are created in it need no WAL, and an error leaves nothing. Several connections: parallel_import.sh.

# This file in the cluster's directory lists what the import left out, one name per line.
left_out_file=rotv-left-out

trust_hint="trust = true in [sources.NAME] of rotv.toml allows it: anyone who can change the schema there can then run programs here"

# Sets `seed_format` (none, plain, zstd, gzip) and opens the seed as `seed_fd` and as `plan_fd`; one that several
# connections import also as `outline_fd`, and for each of them as one of `part_fds`. If this process was root before,
# root has done it.
open_seed() {
  seed_format=${ROTV_INTERNAL_SEED_FORMAT:-} seed_fd=${ROTV_INTERNAL_SEED_FD:-} plan_fd=${ROTV_INTERNAL_PLAN_FD:-}
  outline_fd=${ROTV_INTERNAL_OUTLINE_FD:-} part_fds=${ROTV_INTERNAL_PART_FDS:-}
  unset ROTV_INTERNAL_SEED_FORMAT ROTV_INTERNAL_SEED_FD ROTV_INTERNAL_PLAN_FD ROTV_INTERNAL_OUTLINE_FD ROTV_INTERNAL_PART_FDS
  # A start on a warm cluster needs none.
  [[ -z ${ROTV_WARM:-} ]] || seed_format=none
  [[ $seed_format != none ]] || return 0
  choose_connections
  [[ -z $seed_format ]] || return 0
  local candidate magic i fd
  if [[ -z ${ROTV_SEED:-} ]]; then
    for candidate in /tmp/seed-data.sql /tmp/seed-data.sql.zst /tmp/seed-data.sql.gz; do
      [[ ! -e $candidate ]] || { ROTV_SEED=$candidate && break; }
    done
  fi
  seed_format=none
  if [[ -n ${ROTV_SEED:-} ]]; then
    [[ -f $ROTV_SEED ]] || fail "there is no seed $ROTV_SEED"
    { exec {seed_fd}<"$ROTV_SEED" {plan_fd}<"$ROTV_SEED"; } 2>/dev/null || fail "the seed $ROTV_SEED cannot be read"
    magic=$(od -An -N4 -tx1 "$ROTV_SEED")
    magic=${magic// /}
    case $magic in
      28b52ffd) seed_format=zstd ;;
      1f8b*) seed_format=gzip ;;
      *) seed_format=plain && check_plain_seed ;;
    esac
  fi
  if [[ $seed_format != none ]] && ((connections > 1)); then
    exec {outline_fd}<"$ROTV_SEED"
    for ((i = 0; i < connections; i++)); do
      exec {fd}<"$ROTV_SEED"
      part_fds+="$fd "
    done
  fi
  export ROTV_INTERNAL_SEED_FORMAT=$seed_format ROTV_INTERNAL_SEED_FD=$seed_fd ROTV_INTERNAL_PLAN_FD=$plan_fd
  export ROTV_INTERNAL_OUTLINE_FD=$outline_fd ROTV_INTERNAL_PART_FDS=$part_fds
}

close_seed() {
  local descriptor
  for descriptor in $seed_fd $plan_fd $outline_fd $part_fds; do exec {descriptor}<&-; done
}

# Checks that a plain seed is complete. If a file ends within a table's rows, psql takes that for the end of the table;
# but a dump that has pg_dump's first line must have its last line too.
check_plain_seed() {
  [[ -s $ROTV_SEED ]] || fail "the seed is damaged: $ROTV_SEED is empty" "rotv seed writes it again"
  ! head -c 200 "$ROTV_SEED" | grep '^-- PostgreSQL database dump' >/dev/null ||
    tail -c 400 "$ROTV_SEED" | grep '^-- PostgreSQL database dump complete' >/dev/null ||
    fail "the seed is damaged: its end is missing" "rotv seed writes it again"
}

# The superuser may log in when this begins, and can no longer when anything of the source runs.
import_seed() {
  local start=$EPOCHREALTIME milliseconds languages divided=yes
  left_out=$scratch/left-out
  : >"$left_out"
  phase import
  [[ $seed_format == plain ]] || command -v "$seed_format" >/dev/null ||
    fail "the seed is compressed, and there is no $seed_format here"
  make_roles
  make_tablespaces
  plan_import
  make_extensions "$scratch/plan"
  make_collations
  choose_import_options "$superuser"
  apply_settings
  languages=$(trusted_languages)
  [[ $ROTV_TRUST == no ]] || set_superuser yes
  say_who_may_log_in no
  divide_seed "$languages" || divided=no  # It only reads, while the server does what it was told.
  await_superuser no
  if [[ $divided == yes ]]; then import_parts; else run_import "$languages"; fi
  cp "$left_out" "$ROTV_DATA/$left_out_file" || fail_full "$ROTV_DATA cannot be written to"
  if [[ $ROTV_SUPERUSER != "$ROTV_TRUST" || -n ${ROTV_ADMIN:-} ]]; then
    admit_superuser yes
    set_superuser "$ROTV_SUPERUSER"
    [[ -z ${ROTV_ADMIN:-} ]] || make_admin
    admit_superuser no
  fi
  milliseconds=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000))
  printf -v milliseconds '%04d' "$milliseconds"
  say "imported: ${milliseconds%???}.$(printf '%.1s' "${milliseconds: -3}") s"
}

# Begins to write the plan from the seed's statements before the first rows. A damaged seed is detected later, by the
# import.
planner=''
start_plan() {
  if [[ $seed_format == plain ]]; then
    filter_seed plan '' <&"$plan_fd" >"$scratch/plan" &
  else
    filter_seed plan '' < <(exec "$seed_format" -dc <&"$plan_fd" 2>/dev/null) >"$scratch/plan" &
  fi
  planner=$!
}

plan_import() {
  local status=0
  helpers=("$planner")
  wait "$planner" || status=$?
  helpers=() planner=''
  check_filter "$status"
  [[ $status == 0 ]] || fail_full "the seed cannot be read: awk ended with status $status"
}

# Replaces the process by the filter. Rows in large pieces wake psql less often, which halves the cost of the filter.
filter_seed() {  # plan, import or outline, LANGUAGES [FILE FOR STATEMENTS]
  local in_large_pieces=()
  ! command -v stdbuf >/dev/null || in_large_pieces=(stdbuf -o 256K)
  exec_plain LC_ALL=C FILTER_MODE="$1" FILTER_LANGUAGES="$2" FILTER_TRUST="$ROTV_TRUST" \
    FILTER_TABLESPACES="${tablespaces:-}" FILTER_COLLATIONS="${missing_collations:-}" FILTER_SERVER="$server_major" \
    FILTER_SKIPPING="${ROTV_SKIP_EXTENSIONS:+yes}" FILTER_LEFT_OUT="$scratch/left-out-now" \
    FILTER_REFUSED="$scratch/refused" FILTER_STATEMENTS="${3:-}" FILTER_BLOCKS="$scratch/blocks" FILTER_MOST=$((64 << 20)) "${in_large_pieces[@]}" awk -f "$here/seed_filter.awk"
}

# Begins a program that reads standard input. Sets `writer`, its process, and `text_fd`, which reads what it writes. It is
# no process substitution: bash can miss the end of one, and a wait for it never returns.
begin_writer() {  # NAME OF THE PIPE, COMMAND...
  local both_fd write_fd pipe=$scratch/$1
  mkfifo "$pipe"
  exec {both_fd}<>"$pipe"  # To open one end alone waits for the other one.
  exec {text_fd}<"$pipe"
  exec {write_fd}>"$pipe" {both_fd}<&-
  # It ends when nobody reads any more, so it must not be a reader itself.
  (exec {text_fd}<&- && "${@:2}") <&0 >&"$write_fd" &
  writer=$!
  exec {write_fd}>&-
}

decompress_seed() { exec "$seed_format" -dc 2>"$scratch/decompressor"; }

run_import() {  # LANGUAGES
  local decompressor='' filter importer status=0 damaged=0 filtered=0 writer plain_fd text_fd
  if [[ $seed_format == plain ]]; then
    begin_writer text filter_seed import "$1" <&"$seed_fd"
  else
    begin_writer plain decompress_seed <&"$seed_fd"
    decompressor=$writer plain_fd=$text_fd
    begin_writer text filter_seed import "$1" <&"$plain_fd"
    exec {plain_fd}<&-
  fi
  filter=$writer
  mkfifo "$scratch/importing"
  exec {importing_fd}<>"$scratch/importing"
  (run_and_tell "$importing_fd" ended run_psql) <&"$text_fd" &
  importer=$!
  start_ticks "$importing_fd"
  helpers=("$importer" "$filter" "$ticker" ${decompressor:+"$decompressor"})
  # Our own copy of the pipe is closed, so that the filter ends when psql does.
  exec {text_fd}<&-
  show_progress "${decompressor:-$filter}" "$importer"
  stop_ticks
  exec {importing_fd}<&-
  wait "$importer" || status=$?
  # bash tells of a killed process.
  wait "$filter" 2>/dev/null || filtered=$?
  [[ -z $decompressor ]] || wait "$decompressor" 2>/dev/null || damaged=$?
  helpers=()
  note_left_out
  check_filter "$filtered"
  check_import "$status" "$damaged"
  # A filter that was ended by something else has cut the seed off.
  [[ $filtered == 0 ]] || fail "the seed cannot be read: awk ended with status $filtered"
}

note_left_out() {
  [[ ! -f $scratch/left-out-now ]] || cat "$scratch/left-out-now" >>"$left_out"
  rm -f "$scratch/left-out-now"
}

# A seed has statements and rows, and no meta-commands of psql.
check_filter() {  # STATUS
  [[ $1 != 3 ]] || fail "the seed is refused: $(head -n 1 "$scratch/refused")" \
    "pg_dump does not write such text: find out how it came into the seed, or into its source"
}

run_psql() { exec_psql "$import_options" -f - 2>"$scratch/psql"; }

# Replaces the process by psql, which runs all that it is given in one transaction.
exec_psql() {  # PGOPTIONS ARGUMENTS...
  exec_plain PGOPTIONS="$1" "$ROTV_PGBIN/psql" -X -q -v ON_ERROR_STOP=1 --single-transaction -o /dev/null \
    -h "$ROTV_SOCKET_DIR" -p "$ROTV_PGPORT" -U "$ROTV_DBUSER" -d "$ROTV_DATABASE" "${@:2}"
}

left_out_names() {  # FILE
  sort -u "$1" | awk 'NR <= 30 { printf "%s%s", separator, $0; separator = ", " } END { if (NR > 30) printf " and %d more", NR - 30 }'
}

# Warns at every start on such a cluster, because something may be missing in it.
tell_left_out() {
  [[ -s $ROTV_DATA/$left_out_file ]] || return 0
  say "warning: left out, because it would run with the rights of the database's superuser or of the server's user:" \
    "$(left_out_names "$ROTV_DATA/$left_out_file"). $trust_hint"
}

# Prints how far the reader of the file has come, from its position in /proc, until the import has ended.
show_progress() {  # READER, IMPORTER
  local size position word status
  size=$(stat -L -c %s "/proc/$$/fd/$seed_fd") || return 0
  say "import: 0 of $size"
  while read -r -u "$importing_fd" word status && [[ $word == tick ]]; do
    if position=$(sed -n 's/^pos:[[:space:]]*//p' "/proc/$1/fdinfo/0" 2>/dev/null) && [[ -n $position ]]; then
      say "import: $position of $size"
    fi
    kill -0 "$2" 2>/dev/null || return 0  # Killed: it has said nothing.
  done
}

# Fails with the reason that explains the others: a full disk, then a damaged file, then psql's error.
check_import() {  # STATUS OF PSQL, OF THE DECOMPRESSOR
  local first='' place
  cat "$scratch/psql" >&2
  # The server's hint comes with a file that could only be written in part, too.
  if grep -qE 'No space left on device|HINT:  Check free disk space' "$scratch/psql"; then fail_full 'No space left on device'; fi
  if [[ $1 != 0 ]]; then
    first=$(grep -m 1 -E '^psql:.*(ERROR|FATAL|PANIC):' "$scratch/psql" || grep -m 1 . "$scratch/psql" || true)
  fi
  # A decompressor whose reader is gone ends by a signal (141), which does not mean that the file is damaged.
  if [[ $2 != 0 && ($2 != 141 || $1 == 0) ]] && grep -q . "$scratch/decompressor"; then
    fail "the seed is damaged: $(tr '\r' '\n' <"$scratch/decompressor" | grep . | sed -n 1p)" "rotv seed writes it again"
  fi
  [[ $1 != 0 || $2 != 0 ]] || return 0
  place=$(sed -n 's/^CONTEXT:  *\(COPY [^:,]*, line [0-9]*\(, column [^:]*\)\{0,1\}\).*/ (\1)/p' "$scratch/psql" | sed -n 1p)
  first=$(sed -E 's/^psql:<stdin>:([0-9]+): */line \1: /' <<<"${first:-psql ended with status $1}")
  if [[ -n $money_problem && $first == *'type money'* ]]; then
    fail_full "the seed cannot be imported: $first$place" \
      "$money_problem: $(to_install_locale)"
  elif [[ -s $left_out ]]; then
    fail_full "the seed cannot be imported: $first$place (left out before: $(left_out_names "$left_out"))" \
      "what is missing may have been left out. $trust_hint"
  elif [[ $first == *'ermission denied'* || $first == *'must be superuser'* ]]; then
    fail_full "the seed cannot be imported: $first$place" "it is imported with the rights of an ordinary role. $trust_hint"
  fi
  fail_full "the seed cannot be imported: $first$place"
}
