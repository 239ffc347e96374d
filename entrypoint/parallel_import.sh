# shellcheck shell=bash
# Imports a seed by several connections: the schema first, then tables beside each other, each one's indexes as
# soon as its rows are there, and foreign keys of large tables. What belongs together is decided by seed_parts.awk; a
# seed that it does not divide is imported by one connection (import.sh). A compressed one is read by packed_seed.sh.
#
# A part that fails ends the import, and with it the cluster: what other parts have committed is never used, because the
# marker of directory.sh stays until all of them have ended. Each table is truncated by the transaction that loads it,
# so that its rows need no WAL.

# More connections than this gain little, and each one sorts in memory of its own.
most_connections=8

# Sets `connections`, the number of connections that import the seed.
choose_connections() {
  connections=${ROTV_IMPORT_CONNECTIONS:-$(nproc 2>/dev/null || echo 1)}
  [[ $connections =~ ^[1-9][0-9]{0,3}$ ]] || fail "ROTV_IMPORT_CONNECTIONS must be a number from 1 on"
  ((connections <= most_connections)) || connections=$most_connections
}

# Reads the seed while the cluster is made. Writes $scratch/outline and $scratch/blocks.
outliner=''
start_outline() {
  [[ -n $part_fds && -z ${ROTV_SKIP_EXTENSIONS:-} ]] || return 0
  if [[ $seed_format != plain ]]; then
    start_packed_outline
    return
  fi
  filter_seed outline '' <&"$outline_fd" >"$scratch/outline" 2>/dev/null &
  outliner=$!
}

# Divides the seed. Returns 1 if it has to be imported by one connection, and tells why if the seed is the reason.
divide_seed() {  # LANGUAGES
  local status=0
  [[ -n $outliner ]] || return 1
  helpers=("$outliner")
  wait "$outliner" || status=$?
  helpers=() outliner=''
  check_filter "$status"
  [[ $status == 0 && ($seed_format == plain || -e $scratch/unpacked) ]] || return 1
  parts=$scratch/parts
  mkdir "$parts"
  run filter_seed import "$1" "$scratch/statements" <"$scratch/outline" >"$scratch/filtered" || status=$?
  check_filter "$status"
  [[ $status == 0 ]] || return 1
  run exec_plain LC_ALL=C PARTS_STATEMENTS="$scratch/statements" PARTS_BLOCKS="$scratch/blocks" \
    PARTS_DIRECTORY="$parts" PARTS_CONNECTIONS="$connections" PARTS_LARGE="${ROTV_IMPORT_LARGE:-1048576}" \
    awk -f "$here/seed_parts.awk" <"$scratch/filtered" || status=$?
  [[ $status != 4 ]] || say "connections: 1, because the seed has $(<"$parts/why")"
  return "$status"
}

import_parts() {
  note_left_out
  read_tasks
  read -r -a slot_fds <<<"-1 $part_fds"  # The connections count from 1.
  [[ $seed_format == plain ]] || start_unpacking
  mkfifo "$scratch/ended"
  exec {ended_fd}<>"$scratch/ended"
  start_ticks "$ended_fd"
  say "connections: $connections"
  say "import: 0 of $rows_bytes"
  run_alone schema
  values_left=yes
  run_tasks
  require_all_unpacked
  stop_unpacking
  tell_progress
  if [[ $early_keys == no ]]; then
    run_alone before
    early_keys=yes
    run_tasks
  fi
  [[ $has_after == no ]] || run_alone after
  stop_ticks
  exec {ended_fd}>&-
}

# Reads the list of seed_parts.awk.
read_tasks() {
  local kind number a b c d e
  data_queue=() data_kind=() data_from=() data_bytes=() data_line=() data_ended=()
  indexes=() index_table=() index_mode=() keys=() key_tables=() users=() indexes_left=()
  rows_bytes=0 rows_ended=0 rows_end=1 indexes_ended=0 early_keys=no has_after=yes
  # Each connection's rows are in the order of the seed, and the largest index comes first.
  while read -r kind number a b c d e; do
    case $kind in
      data)
        data_queue[a]+="$number "
        data_kind[number]=$b data_from[number]=$c data_bytes[number]=$d data_line[number]=$e
        rows_bytes=$((rows_bytes + d))
        ((c + d < rows_end)) || rows_end=$((c + d))
        ;;
      index)
        indexes=("$number" "${indexes[@]}") index_table[number]=$a index_mode[number]=$b
        indexes_left[a]=$((${indexes_left[a]:-0} + 1))
        ;;
      key) keys=("$number" "${keys[@]}") key_tables[number]="$a $b" ;;
      early) early_keys=yes ;;
      no) has_after=no ;;
    esac
  done < <(sort -k 5,5n "$parts/tasks")
  indexes_total=$((${#indexes[@]} + ${#keys[@]}))
}

# --- Which task is next.

# Runs tasks until none is left. A slot runs one task at a time, over a connection of the task's own.
run_tasks() {
  local slot
  slot_process=() slot_task=() slot_missed=()
  while true; do
    for ((slot = 1; slot <= connections; slot++)); do
      [[ -n ${slot_process[slot]:-} ]] || start_next "$slot"
    done
    helpers=("${slot_process[@]}")
    ((${#slot_process[@]} > 0)) || return 0
    await_task
  done
}

start_next() {  # SLOT
  local number rest
  read -r number rest <<<"${data_queue[$1]:-}"
  if [[ -n $number ]]; then
    data_queue[$1]=$rest
    if [[ $seed_format == plain ]]; then start_data "$1" "$number"; else start_packed_data "$1" "$number"; fi
  elif [[ -n $values_left ]]; then
    values_left=''
    start_task "$1" values psql_of_part -f "$parts/settings.sql" -f "$parts/values.sql"
  else
    start_key "$1"
    [[ -n ${slot_process[$1]:-} ]] || start_index "$1"
  fi
}

# The connection's descriptor is at the end of its task before; it is moved on to this one's beginning.
start_data() {  # SLOT NUMBER
  local fd=${slot_fds[$1]} position
  find_position "$fd"
  ((position == data_from[$2])) ||
    dd bs=64K iflag=skip_bytes skip=$((data_from[$2] - position)) count=0 <&"$fd" 2>/dev/null || true
  find_position "$fd"
  [[ $position == "${data_from[$2]}" ]] || fail "the seed cannot be read from byte ${data_from[$2]} on"
  start_task "$1" "data $2" "load_${data_kind[$2]}" "$2" <&"$fd"
}

# An index is built when its table's rows are there. Constraints lock their table; other indexes of it need only be
# kept from them.
start_index() {  # SLOT
  local i number table mode
  for i in "${!indexes[@]}"; do
    number=${indexes[i]} table=${index_table[${indexes[i]}]} mode=${index_mode[${indexes[i]}]}
    [[ -n ${data_ended[table]:-} ]] || continue
    if [[ $mode == alone ]]; then
      ((${users[table]:-0} == 0)) || continue
      users[table]=-1
    else
      ((${users[table]:-0} >= 0)) || continue
      users[table]=$((${users[table]:-0} + 1))
    fi
    unset "indexes[$i]"
    start_task "$1" "index $number" psql_of_part -f "$parts/settings.sql" -f "$parts/i$number.sql"
    return
  done
}

# A foreign key locks two tables, whose rows and indexes have to be there; none is begun that would wait for another one.
start_key() {  # SLOT
  local i number table other
  [[ $early_keys == yes ]] || return 0
  for i in "${!keys[@]}"; do
    number=${keys[i]}
    read -r table other <<<"${key_tables[number]}"
    [[ -n ${data_ended[table]:-} && -n ${data_ended[other]:-} && -z ${locked[table]:-}${locked[other]:-} ]] || continue
    ((${indexes_left[table]:-0} + ${indexes_left[other]:-0} == 0)) || continue
    locked[table]=yes locked[other]=yes
    unset "keys[$i]"
    start_task "$1" "key $number" psql_of_part -f "$parts/settings.sql" -f "$parts/f$number.sql"
    return
  done
}
locked=()

task_ended() {  # KIND NUMBER
  local table other
  case $1 in
    data)
      data_ended[$2]=yes
      rows_ended=$((rows_ended + data_bytes[$2]))
      ;;
    index)
      table=${index_table[$2]}
      if ((users[table] < 0)); then users[table]=0; else users[table]=$((users[table] - 1)); fi
      indexes_left[table]=$((indexes_left[table] - 1))
      indexes_ended=$((indexes_ended + 1))
      ;;
    key)
      read -r table other <<<"${key_tables[$2]}"
      locked[table]='' locked[other]=''
      indexes_ended=$((indexes_ended + 1))
      ;;
  esac
}

# --- Processes.

# Starts a process for the task, which writes to `ended_fd` when it has ended. Without `<&0`, here and where rows are
# passed on, bash may give it an empty stdin.
start_task() {  # SLOT TASK COMMAND...
  local slot=$1
  slot_task[slot]=$2
  shift 2
  (run_and_tell "$ended_fd" "$slot" "$@") <&0 2>"$scratch/errors.$slot" &
  slot_process[slot]=$! slot_missed[slot]=''
}

# Runs one part by itself.
run_alone() {  # schema, before, after
  slot_process=() slot_task=() slot_missed=()
  if [[ $1 == schema ]]; then
    start_task 1 schema psql_of_part -f "$parts/schema.sql"
  else
    [[ -s $parts/$1.sql ]] || return 0
    start_task 1 "$1" psql_of_part -f "$parts/settings.sql" -f "$parts/$1.sql"
  fi
  helpers=("${slot_process[@]}")
  while [[ -n ${slot_process[1]:-} ]]; do await_task; done
  helpers=()
}

# Replaces the process. The memory in which indexes are sorted is shared by all connections, and so are the processors: a
# server's own workers help only where there is less to do than there are connections.
psql_of_part() {  # ARGUMENTS...
  local waiting=${#indexes[@]} workers
  [[ $early_keys == no ]] || waiting=$((waiting + ${#keys[@]}))
  workers=$((connections - 1 - ${#slot_process[@]} - waiting))
  [[ $workers -gt 0 && ${data_queue[*]} != *[0-9]* ]] || workers=0
  local options="-c maintenance_work_mem=$((512 / connections > 256 ? 256 : 512 / connections))MB"
  exec_psql "$import_options $options -c max_parallel_maintenance_workers=$((workers < 2 ? workers : 2))" "$@"
}

# psql reads the rows of a large table from the seed itself, up to their end.
load_one() {  # NUMBER
  local also=()
  [[ ! -f $parts/d$1.then ]] || also=(-f "$parts/d$1.then")
  psql_of_part -f "$parts/settings.sql" -c "$(<"$parts/d$1.empty")" -c "$(<"$parts/d$1.sql")" "${also[@]}"
}

# Several small tables are a piece of the seed, with the statements in it.
load_several() {  # NUMBER
  local also=()
  [[ ! -f $parts/d$1.empty ]] || also=(-f "$parts/d$1.empty")
  also+=(-f -)
  [[ ! -f $parts/d$1.then ]] || also+=(-f "$parts/d$1.then")
  if [[ $seed_format == plain ]]; then
    psql_of_part -f "$parts/settings.sql" "${also[@]}" < <(pass_on "$1" head -c "${data_bytes[$1]}" <&0)
  else
    psql_of_part -f "$parts/settings.sql" "${also[@]}"  # It is given its bytes alone.
  fi
}

# Runs the program that passes a task's rows on, and notes how it has ended: one that was killed looks like the end of the
# rows, and leaves the others for the next task. As long as there is no note psql does not see the end: this process holds
# the pipe.
pass_on() {  # NUMBER COMMAND...
  local status=0
  { "${@:2}" || status=$?; } 2>/dev/null  # bash tells of a killed process.
  printf '%s\n' "$status" >"$scratch/passed.$1"
}

# psql may know by the rows themselves that they have ended, just before that is noted.
require_passed() {  # NUMBER STATUS OF PSQL
  local passed=''
  for _ in {1..1000}; do
    { read -r passed <"$scratch/passed.$1"; } 2>/dev/null || true
    [[ -z $passed && $2 == 0 ]] || break
    nap 0.01
  done
  [[ $passed != 0 ]] || return 0
  # If psql has ended first, by an error, the program ends by SIGPIPE.
  [[ $2 != 0 && ($passed == 141 || -z $passed) ]] ||
    fail "the program that passes on the seed's rows has ended too early: was it killed?" "rotv start begins again"
}

# Waits until a task has ended, and tells meanwhile how far the import is. A process that was killed says nothing.
await_task() {
  local slot status
  while read -r -u "$ended_fd" slot status && [[ $slot == tick ]]; do
    tell_progress
    for slot in "${!slot_process[@]}"; do
      kill -0 "${slot_process[slot]}" 2>/dev/null && continue
      # What it has written may have come after the read.
      [[ -z ${slot_missed[slot]} ]] || end_task "$slot" 137
      slot_missed[slot]=yes
    done
    ((${#slot_process[@]} > 0)) || return 0
  done
  end_task "$slot" "$status"
}

end_task() {  # SLOT STATUS
  local task=${slot_task[$1]} kind number position
  wait "${slot_process[$1]}" 2>/dev/null || true
  unset "slot_process[$1]"
  read -r kind number <<<"$task"
  [[ $kind != data ]] || require_rows "$1" "$number" "$2"
  if [[ $2 != 0 || -s $scratch/errors.$1 ]]; then
    cat "$scratch/errors.$1" >"$scratch/psql"
    place_errors "$kind" "$number"
    check_import "$2" 0
  fi
  task_ended "$kind" "${number:-0}"
}

# What looks like the end of a task's rows need not be it, and explains an error of psql in the last of them.
require_rows() {  # SLOT NUMBER STATUS OF PSQL
  local position
  if [[ $seed_format != plain || ${data_kind[$2]} == several ]]; then require_passed "$2" "$3"; fi
  if [[ $seed_format != plain ]]; then
    [[ $3 == 0 ]] || require_unpacked "$1"
  elif [[ $3 == 0 ]]; then
    # A file that became shorter.
    find_position "${slot_fds[$1]}"
    ((position >= data_from[$2] + data_bytes[$2])) ||
      fail "the seed is damaged: its end is missing" "rotv seed writes it again"
  fi
}

# Replaces psql's lines by those of the seed.
place_errors() {  # KIND NUMBER
  local file=$1.sql
  case $1 in
    index) file=i$2.sql ;;
    key) file=f$2.sql ;;
    data) file=d$2.then ;;
  esac
  LC_ALL=C awk -v lines="$parts/lines" -v file="$file" -v first="${data_line[${2:-0}]:-1}" -v kind="$1" '
    BEGIN {
      while ((getline line <lines) > 0) {
        split(line, columns, " ")
        if (columns[1] == file) { from[++count] = columns[2]; to[count] = columns[3] }
      }
    }
    function place(number, is_rows,    i) {
      if (is_rows || kind == "schema") return number + (is_rows ? first - 1 : 0)
      for (i = count; i > 1 && from[i] > number; i--) ;
      return count ? to[i] + number - from[i] : number
    }
    match($0, /^psql:[^ ]*:[0-9]+: /) {
      head = substr($0, 1, RLENGTH - 2); rest = substr($0, RLENGTH + 1)
      number = head; sub(/.*:/, "", number)
      print "psql:<stdin>:" place(number + 0, head ~ /^psql:<stdin>:/) ": " rest
      next
    }
    /^(ERROR|FATAL|PANIC):/ { print "psql:<stdin>:" first ": " $0; next }
    { print }' "$scratch/psql" >"$scratch/placed"
  mv "$scratch/placed" "$scratch/psql"
}

# Sets `position`.
find_position() {  # FILE DESCRIPTOR
  local name value
  while read -r name value; do
    [[ $name != pos: ]] || position=$value
  done <"/proc/$$/fdinfo/$1"
}

tell_progress() {
  local slot kind number position done=$rows_ended
  if ((rows_ended == rows_bytes)); then
    ((indexes_total == 0)) || say "indexes: $indexes_ended of $indexes_total"
    return
  fi
  for slot in "${!slot_process[@]}"; do
    read -r kind number <<<"${slot_task[slot]}"
    [[ $kind == data ]] || continue
    if [[ $seed_format == plain ]]; then
      find_position "${slot_fds[slot]}"
    else
      find_packed_position "$slot" "$number"
    fi
    done=$((done + position - data_from[number]))
  done
  say "import: $((done < rows_bytes ? done : rows_bytes)) of $rows_bytes"
}
