# shellcheck shell=bash
# Starts from warm clusters in development mode, and sends new ones. A warm cluster is the directory of a server that was
# stopped cleanly: after any other end unlogged tables are empty. cli/launch/warm_clusters decides which of them has the
# right state; which one fits the server is decided here.
#
# The directories may be closed to the service user in all of their path, so they are opened before root becomes that
# user, like the seed. Their files may be read and written by everybody who gets there.

# Prints the server's version, and on a second line what a cluster must agree with: how it is made here (6), the rights in it, the source's locales that are here
# and ICU, the server, the collation, its extensions, and the time zone that initdb takes over.
server_place() {
  local name path share='' icu='' version='' share_fd libc_fd version_fd libc
  # Beside each other, because most of what they take is their start.
  exec {share_fd}< <(exec "$ROTV_PGBIN/pg_config" --sharedir 2>/dev/null) {libc_fd}< <(exec getconf GNU_LIBC_VERSION) \
    {version_fd}< <(exec "$ROTV_PGBIN/postgres" --version)
  # The loader prints the libraries, as for ldd, which is a script.
  while read -r name _ path _; do
    [[ $name != libicui18n* ]] || icu=$path
  done < <(LD_TRACE_LOADED_OBJECTS=1 exec "$ROTV_PGBIN/postgres" 2>/dev/null </dev/null)
  read -r share <&"$share_fd" || true
  read -r libc <&"$libc_fd" || true
  read -r version <&"$version_fd" || true
  path=$(realpath /etc/localtime ${icu:+"$icu"} 2>/dev/null) || true
  printf '%s\n6, %s, %s, %s, %s, %s, %s, %s, %s, %s\n' "$version" "$ROTV_TRUST" "$ROTV_SUPERUSER" "$(locales_here)" \
    "$version" "$HOSTTYPE" "$libc" "$(stat -c %Y "$share/extension" 2>/dev/null)" "${TZ:-}" "${path//$'\n'/ }"
}

# To find out takes a dozen processes, so it goes on beside all else until it is asked for.
place='' place_fd=''
seek_place() { exec {place_fd}< <(trap - EXIT TERM INT HUP && server_place); }

# Sets `place` and `server_version`.
know_place() {
  [[ -z $place ]] || return 0
  [[ -n $place_fd ]] || seek_place
  { read -r server_version <&"$place_fd" && read -r place <&"$place_fd"; } || true
  exec {place_fd}<&-
  [[ -n $place ]] || fail "the server's version and libraries cannot be found out"
}

# Whether the warm cluster of this start was made for this server. To start another one on a clone does no harm.
require_place() {
  know_place
  [[ ${ROTV_WARM_SERVER:-} == "$place" ]] ||
    unusable "it was made for another version of PostgreSQL, C library, extensions, locales or time zone"
}

# Ends a start whose warm cluster is of no use: `rotv start` then starts again, with an import. A reset is for `rotv
# restart` to make good.
unusable() {  # REASON
  [[ -z ${scratch:-} || ! -e $scratch/changes ]] || fail "the warm cluster cannot be brought to its state again: $1" "rotv restart starts on clean data"
  say "warm: unusable ${1//$'\n'/ }"
  exit 1
}

# Opens what there is to read and to write, and begins to look for `place` if anything of it is used.
open_warm() {
  local opened=${ROTV_INTERNAL_WARM:-}
  IFS=, read -r warm_fd empty_fd carry_fd state_to empty_to layer_fd taken_fd place_fd ready_fd again_fd <<<"$opened"
  unset ROTV_INTERNAL_WARM
  [[ $ROTV_MODE == development && -z $opened ]] || return 0
  [[ -n ${ROTV_WARM:-}${ROTV_WARM_EMPTY:-}${ROTV_WARM_TO:-} ]] || return 0
  seek_place
  if [[ -n ${ROTV_WARM:-} ]]; then
    { exec {warm_fd}<"$ROTV_WARM"; } 2>/dev/null || unusable "$ROTV_WARM cannot be opened"
    [[ -z ${ROTV_CARRY:-} ]] || { exec {carry_fd}<"$ROTV_CARRY" {again_fd}<"$ROTV_CARRY"; } 2>/dev/null || unusable "$ROTV_CARRY cannot be opened"
    if [[ -n ${ROTV_CARRY_PIPE:-} ]]; then
      open_for_reading "$ROTV_CARRY_PIPE" || unusable "$ROTV_CARRY_PIPE cannot be opened"
      ready_fd=$pipe_fd
    fi
  elif [[ -n ${ROTV_WARM_EMPTY:-} ]]; then
    { exec {empty_fd}<"$ROTV_WARM_EMPTY"; } 2>/dev/null || empty_fd=''
  fi
  # Nobody removes it as long as this runs: it may be the layer of an overlay, or be cloned again. The server inherits the
  # lock.
  if [[ -n $warm_fd && -n ${ROTV_WARM_LOCK:-} ]]; then
    { exec {layer_fd}<"$ROTV_WARM_LOCK" && flock --shared --nonblock "$layer_fd"; } || unusable "it is being removed"
  fi
  open_pipe state && state_to=$pipe_fd
  open_pipe empty && empty_to=$pipe_fd
  # The pipe that has a line once `rotv start` has read the files by itself. Without one they are sent.
  [[ -z ${ROTV_WARM_TO:-} ]] || { open_for_reading "$ROTV_WARM_TO/taken" && taken_fd=$pipe_fd; } || true
  export ROTV_INTERNAL_WARM="$warm_fd,$empty_fd,$carry_fd,$state_to,$empty_to,$layer_fd,$taken_fd,$place_fd,$ready_fd,$again_fd"
}

# Opens a pipe for writing as `pipe_fd`, if `rotv start` has made one. To open it for both first does not wait for a
# reader, which may have been killed.
open_pipe() {  # NAME
  local both
  [[ -n ${ROTV_WARM_TO:-} && -p $ROTV_WARM_TO/$1 ]] || return 1
  { exec {both}<>"$ROTV_WARM_TO/$1" && exec {pipe_fd}>"$ROTV_WARM_TO/$1" && exec {both}<&-; } 2>/dev/null
}

# Likewise for reading: to open it for reading alone waits for a writer, which may have been killed.
open_for_reading() {  # PIPE
  local both
  [[ -p $1 ]] || return 1
  { exec {both}<>"$1" && exec {pipe_fd}<"$1" && exec {both}<&-; } 2>/dev/null
}

# The server and the application must not hold what they could write to.
forget_warm() {
  local descriptor
  for descriptor in $warm_fd $again_fd; do exec {descriptor}<&-; done
}
# An application that outlives the server must not keep the cluster from being removed.
forget_layer() { [[ -z $layer_fd ]] || exec {layer_fd}<&-; }

close_warm() {
  local descriptor
  for descriptor in $empty_fd $carry_fd $state_to $empty_to $taken_fd $ready_fd; do exec {descriptor}>&-; done
}

# Makes $ROTV_DATA a clone of the warm cluster of this start, without a server. Can be called again, once the server has
# been stopped. Returns 1 if that does not work; `problem` says why.
clone_cluster() {
  case ${ROTV_CLONE:-copy} in
    made)
      ROTV_CLONE=copy  # Once.
      await_copy && say "warm: clone copy"
      return
      ;;
    mounted)  # It is an overlay already. A second clone would need another one, which only root can make.
      ROTV_CLONE=copy
      : >"$ROTV_DATA/$began_marker" || fail_full "$ROTV_DATA cannot be written to"
      say "warm: clone overlay"
      return
      ;;
    overlay)
      if prepare_overlay; then
        say "warm: clone overlay"
        return
      fi
      say "warning: no overlay can be made, so the warm cluster is copied: $problem"
      ROTV_CLONE=copy
      ;;
  esac
  clone_from "$warm_fd" && say "warm: clone copy"
}

# Root: enters a mount namespace of its own, in which $ROTV_DATA can be an overlay that nobody else sees. What is mounted
# elsewhere afterwards is seen in it, too.
enter_mount_namespace() {
  [[ ${ROTV_CLONE:-} == overlay && $(id -u) == 0 && -z ${ROTV_INTERNAL_NAMESPACE:-} ]] || return 0
  export ROTV_INTERNAL_NAMESPACE=yes
  if unshare --mount --propagation slave true 2>/dev/null; then
    exec unshare --mount --propagation slave "$BASH" "$here/entrypoint"
  fi
  ROTV_CLONE=copy
}

# Root: makes $ROTV_DATA an overlay over the warm cluster, with its changes in $ROTV_DATA itself, where `rotv` finds
# postmaster.pid.
mount_overlay() {
  [[ ${ROTV_CLONE:-} == overlay && -n ${ROTV_INTERNAL_NAMESPACE:-} && -n $warm_fd ]] || return 0
  local error
  ROTV_CLONE=copy
  if error=$(mkdir "$ROTV_DATA.work" 2>&1 && mount -t overlay overlay \
    -o "$(overlay_options "/proc/self/fd/$warm_fd")" "$ROTV_DATA" 2>&1); then
    ROTV_CLONE=mounted
  else
    say "warning: no overlay can be made, so the warm cluster is copied: ${error//$'\n'/ }"
  fi
  export ROTV_CLONE
}

# Prints the options of the mount, in which some characters have a meaning.
overlay_options() {  # LOWER DIRECTORY
  local lower upper=$ROTV_DATA
  lower=$(readlink "$1") lower=${lower//\\/\\\\} lower=${lower//:/\\:} lower=${lower//,/\\,}
  upper=${upper//\\/\\\\} upper=${upper//,/\\,}
  printf 'lowerdir=%s,upperdir=%s,workdir=%s.work' "$lower" "$upper" "$upper"
}

# The words before a command that has to see the overlay, where only that command does; else empty.
in_overlay=()

# An ordinary user: gives the server an overlay in a user namespace of its own. The user is root where it is mounted, and
# itself again where the program runs, because a server refuses to run as root. This script is not in there: what it reads
# and writes in $ROTV_DATA are files of the upper layer, so those in the cluster's directory itself are copied.
prepare_overlay() {
  chmod -R u+rwx "$ROTV_DATA.work" 2>/dev/null || true
  rm -rf "$ROTV_DATA.work"
  empty_directory
  # shellcheck disable=SC2016  # The inner shell expands them.
  in_overlay=(unshare --user --map-root-user --mount "$BASH" -c '
    mount -t overlay overlay -o "userxattr,$1" "$2" || exit
    user=$3 group=$4
    shift 4
    exec unshare --user --map-user="$user" --map-group="$group" "$@"' bash
    "$(overlay_options "/proc/self/fd/$warm_fd")" "$ROTV_DATA" "$(id -u)" "$(id -g)")
  {
    : >"$ROTV_DATA/$began_marker" && mkdir "$ROTV_DATA.work" &&
      find "/proc/self/fd/$warm_fd/" -maxdepth 1 -type f -exec cp -t "$ROTV_DATA" {} + && run "${in_overlay[@]}" true
  } 2>"$scratch/overlay" && return
  problem=$(tr '\n' ' ' <"$scratch/overlay")
  in_overlay=()
  return 1
}

# Waits for the copy that `rotv start` makes.
await_copy() {
  if ! open_for_reading "$ROTV_DATA.copied"; then
    problem='its pipe cannot be opened'
    return 1
  fi
  await_line "$pipe_fd"
  exec {pipe_fd}<&-
  case $word in
    ok) return ;;
    full) fail_full 'No space left on device' ;;
  esac
  problem=${text:-the program that copies it has ended}
  return 1
}

# Sets `word` and `text` to what the line in a pipe has.
await_line() {  # FILE DESCRIPTOR
  word='' text=''
  run head -n 1 <&"$1" >"$scratch/line" || true
  read -r word text <"$scratch/line" || true
}

clone_from() {  # FILE DESCRIPTOR OF A DIRECTORY
  empty_directory
  : >"$ROTV_DATA/$began_marker" || fail_full "$ROTV_DATA cannot be written to"
  problem=''
  run copy_files "/proc/self/fd/$1" 2>"$scratch/copy" && return
  problem=$(head -n 1 "$scratch/copy")
  [[ $problem != *'No space left on device'* ]] || fail_full "$problem"
  return 1
}

# Copies the files of a directory with as many processes as there are processors: to a tmpfs one process copies less
# than a disk's cache gives. Large files go one by one, so that all processes have something to do until the end.
copy_files() {  # DIRECTORY
  local processes copy
  processes=$(nproc)
  copy=(cp --no-dereference --parents --preserve=timestamps --target-directory="$ROTV_DATA")
  ! cp --help | grep -e --reflink >/dev/null || copy+=(--reflink=auto)
  umask 077
  cd "$1" || return 1
  find . -mindepth 1 -type d -print0 | (cd "$ROTV_DATA" && xargs -0 -r mkdir) || return 1
  find . -type f -size +8M -print0 | xargs -0 -r -n 1 -P "$processes" "${copy[@]}" || return 1
  find . -type f ! -size +8M -print0 | xargs -0 -r -n 200 -P "$processes" "${copy[@]}"
}

# Starts the server on a clone, and carries it if that is asked for.
start_warm() {
  clone_cluster || unusable "$problem"
  { write_development_settings && { [[ -z $carry_fd ]] || write_carry_settings; }; } ||
    fail_full "the settings cannot be written"
  renew_hba
  phase server
  try_to_start_server || { require_place && unusable "PostgreSQL does not start on it"; }
  require_place
  [[ -z $carry_fd ]] || carry
  rm -f "$ROTV_DATA/$began_marker"
  keep_state
}

# In every session rows are taken as they are: they are of a state that production had, whose triggers, foreign keys and
# rules have acted there already. It is in the server's configuration, because no role of ours may set it.
write_carry_settings() {
  cat >>"$ROTV_DATA/rotv.conf" <<'END'
session_replication_role = replica
rotv.carries = yes
autovacuum = off
max_wal_size = 1GB
maintenance_work_mem = 256MB
END
}

# Applies the difference between the cluster's state and the wanted one: the whole of it or nothing. It is the source's
# code that runs (generated columns, indexes, domains), so the application's role does it.
carry() {
  local start=$EPOCHREALTIME status=0 milliseconds
  phase carry
  ask_version
  choose_import_options "$ROTV_DBUSER"
  if [[ -n $ready_fd ]]; then
    await_line "$ready_fd"
    [[ $word == ok ]] || unusable "${text:-the program that writes the changes has ended}"
  fi
  run run_carry <&"$carry_fd" || status=$?
  if [[ $status != 0 ]]; then
    cat "$scratch/carry" >&2
    # A full disk would not be less full after an import.
    ! grep -q 'No space left on device' "$scratch/carry" || fail_full 'No space left on device'
    unusable "$(grep -m 1 -E '(ERROR|FATAL|PANIC):' "$scratch/carry" || printf 'psql ended with status %s' "$status")"
  fi
  write_development_settings || fail_full "the settings cannot be written"
  kill -HUP "$server"
  await_origin
  milliseconds=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000))
  printf -v milliseconds '%04d' "$milliseconds"
  say "warm: carried ${milliseconds%???}.${milliseconds: -3}"
}

# Makes the changes that the start has made ready to be made again. They were opened twice by then, since bash cannot go
# back in a file; `rotv start` has removed it. It can be read once: a copy that failed has taken a part, and what is left
# would not be the changes.
again_read=''
reopen_carry() {
  if [[ ! -e $scratch/changes ]]; then
    [[ -z $again_read ]] || return 1
    again_read=yes
    { run cat <&"$again_fd" 2>/dev/null >"$scratch/changes.new" && mv "$scratch"/changes{.new,}; } || {
      rm -f "$scratch/changes.new"
      return 1
    }
  fi
  ready_fd=''
  exec {carry_fd}<"$scratch/changes"
}

run_carry() {
  exec_plain PGOPTIONS="$import_options" "$ROTV_PGBIN/psql" -X -q -v ON_ERROR_STOP=1 -o /dev/null \
    -h "$ROTV_SOCKET_DIR" -p "$ROTV_PGPORT" -U "$ROTV_DBUSER" -d "$ROTV_DATABASE" -f - 2>"$scratch/carry"
}

# Waits until a new session has the settings that the application's will have.
await_origin() {
  local carries
  for _ in {1..500}; do
    carries=$(psql_as "$ROTV_DBUSER" "$ROTV_DATABASE" -c "SELECT current_setting('rotv.carries', true)") || carries=yes
    [[ $carries == yes ]] || return 0
    kill -0 "$server" 2>/dev/null || break
    nap 0.01
  done
  unusable "PostgreSQL does not read its settings"
}

# --- What is sent. A pipe is opened before anything begins, and has the cluster's files as a tar, and at the end of all a
# line by which the reader knows that tar has met no problem. If a cluster cannot be kept, a later start takes longer,
# and nothing else happens.

# Whether the state waits to be sent, with its small files in $ROTV_DATA/rotv-kept; the process that sends it.
keeps='' sender=''

# Stops the server in which the state is, sends it, and starts the server again. The server is stopped only while the
# few files are copied that it changes as soon as it starts. All others, which are nearly all bytes, nobody changes
# before the first session: they are sent while the application starts (send_kept).
keep_state() {
  [[ -n $state_to ]] || return 0
  await_sender
  # Its files are not seen here; or workers of a library change them; or an application would not wait for so long.
  if [[ ${#in_overlay[@]} != 0 || ${ROTV_SERVER_SETTINGS:-} == *preload_libraries* ]] || takes_long; then
    send_cluster
    return
  fi
  stop_cleanly
  if copy_small_files 2>"$scratch/tar"; then
    keeps=yes
    printf 'autovacuum = off\n' >>"$ROTV_DATA/rotv.conf"
  else
    tell_not_kept
  fi
  start_server
}

# True if more is to be sent than a second or two suffice for: programs give up connecting after five.
takes_long() {
  local kib=''
  read -r kib _ < <(du -sk "$ROTV_DATA/base") || true
  ((${kib:-0} > 512 << 10))
}

copy_small_files() {
  mkdir "$ROTV_DATA/rotv-kept" && find "$ROTV_DATA" -mindepth 1 -maxdepth 1 "${unkept[@]}" ! -name base \
    ! -name pg_tblspc -exec cp -R -t "$ROTV_DATA/rotv-kept" {} +
}
unkept=(! -name "$began_marker" ! -name lost+found ! -name postmaster.opts ! -name rotv-new ! -name rotv-kept)

# Holds the server, so that the application, which starts meanwhile, waits for its first session until the files are
# sent. The sender lets it go on, also where this program has been killed.
send_kept() {
  [[ $keeps == yes ]] || return 0
  keeps=''
  kill -STOP "$server"
  write_development_settings || fail_full "the settings cannot be written"
  know_place
  say "warm: sends state $place"
  (
    trap '' PIPE
    # In a mount namespace of our own rotv does not see these files.
    if [[ -n $taken_fd && -z ${ROTV_INTERNAL_NAMESPACE:-} ]]; then
      {
        printf '%-511s\n' 'rotv: files' >&"$state_to" && read -r -u "$taken_fd" answer && [[ $answer == ok ]] &&
          printf '%-511s\n' 'rotv: complete' >&"$state_to"
      } || true
    else
      send_tar "$state_to" --directory="$ROTV_DATA/rotv-kept" . --directory="$ROTV_DATA" base pg_tblspc || tell_not_kept
    fi
    kill -HUP "$server" || true
    kill -CONT "$server" || true
    rm -rf "$ROTV_DATA/rotv-kept"
  ) &
  sender=$!
}

# The new cluster of initdb, which is in a directory of its own.
send_empty() {  # DIRECTORY
  know_place
  say "warm: sends empty $place"
  (
    trap '' PIPE
    send_tar "$empty_to" --directory="$1" . || tell_not_kept
    rm -rf "$1"
  ) &
  sender=$!
}

await_sender() {
  [[ -z $sender ]] || wait "$sender" || true
  sender=''
}

send_cluster() {
  stop_cleanly
  know_place
  say "warm: sends state $place"
  run send_files "$state_to" || tell_not_kept
  start_server
}

tell_not_kept() { say "the cluster is not kept for the next start: $(head -n 1 "$scratch/tar")"; }

# Sends the files of the stopped cluster.
send_files() {  # FILE DESCRIPTOR
  send_tar "$1" --directory="$ROTV_DATA" .
}

# Sends a tar. A reader that is gone ends it.
send_tar() {  # FILE DESCRIPTOR, ARGUMENTS OF TAR...
  local to=$1
  shift
  (exec_plain "${in_overlay[@]}" tar --create --file=- --format=ustar --blocking-factor=512 --exclude="./$began_marker" \
    --exclude='./lost+found' --exclude=./postmaster.opts --exclude=./rotv-new --exclude=./rotv-kept "$@" 1>&"$to" 2>"$scratch/tar") &&
    printf '%-511s\n' 'rotv: complete' >&"$to"
}
