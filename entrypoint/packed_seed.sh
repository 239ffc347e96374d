# shellcheck shell=bash
# Reads a compressed seed for several connections (parallel_import.sh). Nobody can skip in such a file, so each connection
# has a decompressor of its own, which goes through the seed once and waits while its rows are loaded. That takes more of
# the processors than to unpack it once, but neither memory nor disk, however large the seed is.

# By connection: its decompressor, and how many bytes of the seed's text it has passed on.
unpackers=() slot_taken=()

# The outline's reader. It leaves $scratch/unpacked if the whole seed could be unpacked: what was cut off, or is damaged,
# is not divided. It holds the pipe until then, so that the filter does not end before.
start_packed_outline() {
  filter_seed outline '' < <("$seed_format" -dc <&"$outline_fd" 2>/dev/null && : >"$scratch/unpacked") >"$scratch/outline" 2>/dev/null &
  outliner=$!
}

# Makes `slot_fds` pipes, which have the seed's text.
start_unpacking() {
  local fd pipe_fd slot=0
  packed_bytes=$(stat -L -c %s "/proc/$$/fd/$seed_fd")
  for fd in $part_fds; do
    slot=$((slot + 1))
    exec {pipe_fd}< <(exec "$seed_format" -dc <&"$fd" 2>/dev/null)
    slot_fds[slot]=$pipe_fd unpackers[slot]=$! slot_taken[slot]=0
  done
}

start_packed_data() {  # SLOT NUMBER
  local skip=$((data_from[$2] - slot_taken[$1]))
  slot_taken[$1]=$((data_from[$2] + data_bytes[$2]))
  start_task "$1" "data $2" load_packed "$2" "$skip" <&"${slot_fds[$1]}"
}

# What is skipped is read here, where a signal to the entrypoint does not wait for it.
load_packed() {  # NUMBER BYTES THAT ARE SKIPPED
  "load_${data_kind[$1]}" "$1" \
    < <(pass_on "$1" dd bs=64K iflag=fullblock,skip_bytes,count_bytes skip="$2" count="${data_bytes[$1]}" status=none <&0)
}

# Sets `position` to about how far the connection is in the seed's text: as far as its decompressor is in the file.
find_packed_position() {  # SLOT NUMBER
  local name value read=0 share last=$((data_from[$2] + data_bytes[$2]))
  while read -r name value; do
    [[ $name != pos: ]] || read=$value
  done 2>/dev/null <"/proc/${unpackers[$1]}/fdinfo/0" || true
  share=$((packed_bytes > 0 ? read * 10000 / packed_bytes : 0))
  position=$((share * rows_end / 10000))
  ((position > data_from[$2])) || position=${data_from[$2]}
  ((position < last)) || position=$last
}

# Called when all rows are loaded.
require_all_unpacked() {
  local slot
  for slot in "${!unpackers[@]}"; do
    ((slot_taken[slot] == 0)) || require_unpacked "$slot"
  done
}

# A decompressor that was killed looks like the end of the rows. But behind the last rows a seed always has more: so a pipe
# that has ended has not passed on all. It is not the seed that is damaged, which was unpacked as a whole before.
require_unpacked() {  # SLOT
  read -r -N 1 -u "${slot_fds[$1]}" _ || fail "a decompressor has ended too early: was it killed?" "rotv start begins again"
}

# One that has ended by itself may have been waited for, and its number be another process's.
stop_unpacking() {
  local slot fd name
  for slot in "${!unpackers[@]}"; do
    fd=${slot_fds[slot]}
    exec {fd}<&-
    name=''
    { read -r name <"/proc/${unpackers[slot]}/comm"; } 2>/dev/null || true
    [[ $name == "$seed_format" ]] || continue
    # bash may tell of a killed process.
    { kill -KILL "${unpackers[slot]}" && wait "${unpackers[slot]}"; } 2>/dev/null || true
  done
  unpackers=()
}
