#!/usr/bin/env bash
# Shows the main job on this machine alone: a small "production" behind an sshd is followed, and rebuilt elsewhere.
# `./dev demo` calls it, and installs and builds first; ROTV_SYNC names the program. ROTV_DEMO_PAGE_VIEWS, the rows of
# the largest table, lets a test be quick.
#
# Everything is in one private directory, and in one on tmpfs; only the sshd listens on TCP, on loopback. All of it is
# removed when this ends, however it ends.

set -euo pipefail
export LC_ALL=C.UTF-8
umask 077

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rotv_sync=${ROTV_SYNC:?names the rotv-sync to show}
rotv=$(dirname "$rotv_sync")/rotv
page_views=${ROTV_DEMO_PAGE_VIEWS:-400000}
keep=no
[[ ${1:-} == --keep ]] && keep=yes

# The user's own settings must not lead to another server.
for name in "${!PG@}" "${!ROTV_@}" "${!PRODUCTION_@}" SSH_AUTH_SOCK; do unset "$name"; done

# --- The clean-up, which is defined first, so that it runs whatever happens.

work='' fast='' application=no child='' sshd_pid='' production_pid='' second_pid=''

stop_process() {  # PID SIGNAL
  [[ -n $1 ]] || return 0
  kill "-$2" "$1" 2>/dev/null || return 0
  wait "$1" 2>/dev/null || true
}

clean_up() {
  local status=$?
  trap '' INT TERM HUP
  set +e
  stop_process "$child" TERM
  [[ $application == no ]] || "${app[@]}" -q stop >/dev/null
  stop_process "$sshd_pid" TERM
  stop_process "$production_pid" QUIT  # An immediate shutdown: the directory goes next.
  stop_process "$second_pid" QUIT
  [[ -n $work ]] && rm -rf -- "$work"
  [[ -n $fast ]] && rm -rf -- "$fast"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Runs a program so that a signal to this script is handled at once, and not only when the program has ended.
run() {
  setpriv --pdeathsig TERM "$@" <&0 &
  child=$!
  local status=0
  wait "$child" || status=$?
  child=''
  return "$status"
}

# --- Output.

if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else bold='' dim='' red='' green='' plain=''; fi
step_number=0
step() { printf '\n%s%d  %s%s\n' "$bold" "$((++step_number))" "$*" "$plain"; }
say() { printf '   %s\n' "$*"; }
fail() {
  printf '\n%sdemo: %s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}
now() { printf '%s' "${EPOCHREALTIME/./}"; }
since() { local us=$(($(now) - $1)); printf '%d.%02d s' $((us / 1000000)) $((us % 1000000 / 10000)); }
megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }
thousands() { sed -E ':again; s/([0-9])([0-9]{3})($|,)/\1,\2\3/; t again' <<<"$1"; }
indent() { sed 's/^/   /'; }

# --- The parts.

# shellcheck source=entrypoint/postgres_programs.sh
source "$here/../../entrypoint/postgres_programs.sh"
bin=$(find_postgres_programs) || fail "no PostgreSQL server found; ./dev demo installs one"
sshd=$(command -v sshd || true)
[[ -n $sshd ]] || sshd=/usr/sbin/sshd
[[ -x $sshd ]] || fail "no sshd found; ./dev demo installs one"

# The server refuses to run as root.
server_user=$(id -un)
if [[ $(id -u) == 0 ]]; then
  server_user=postgres
  getent passwd postgres >/dev/null || server_user=nobody
fi

# The first words of a command that runs as the server's user. setpriv ends it if this script is killed and cannot clean
# up.
as_server=(setpriv --pdeathsig QUIT)
if [[ $(id -u) == 0 ]]; then
  as_server+=("--reuid=$server_user" "--regid=$(id -g "$server_user")" --init-groups)
fi

free_port() {
  local port
  for _ in {1..100}; do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s' "$port"
      return
    fi
  done
  fail "no free TCP port on 127.0.0.1"
}

# Waits at most a minute until the command succeeds; fails if the process has ended.
wait_for() {  # PID COMMAND...
  local pid=$1
  shift
  for _ in {1..600}; do
    "$@" >/dev/null 2>&1 && return 0
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}

# Creates a cluster in DIRECTORY/data with its socket in DIRECTORY/socket, and starts it; $started is its process.
start_postgres() {  # DIRECTORY SETTINGS...
  local directory=$1
  shift
  local settings=()
  for setting in "$@"; do settings+=(-c "$setting"); done
  mkdir -m 0700 "$directory/data" "$directory/socket"
  [[ $(id -u) != 0 ]] || chown "$server_user" "$directory/data" "$directory/socket"
  (cd / && "${as_server[@]}" "$bin/initdb" -D "$directory/data" -U postgres -A trust --encoding=UTF8 --locale=C.UTF-8 --no-sync) \
    >"$directory/initdb.log" 2>&1 || { cat "$directory/initdb.log" >&2; fail "initdb failed"; }
  (cd / && exec "${as_server[@]}" "$bin/postgres" -D "$directory/data" -c listen_addresses= \
    -c "unix_socket_directories=$directory/socket" -c fsync=off -c full_page_writes=off "${settings[@]}") \
    </dev/null >"$directory/log" 2>&1 &
  started=$!
  wait_for "$started" "$bin/pg_isready" -h "$directory/socket" || { cat "$directory/log" >&2; fail "PostgreSQL does not start"; }
}

# The server's user can pass through this directory; everything in it is private.
work=$(mktemp -d /tmp/rotv-demo.XXXXXX)
chmod 0711 "$work"
mkdir -m 0711 "$work/production"
production=(-X -q -v ON_ERROR_STOP=1 -h "$work/production/socket" -U rotv -d rotv)

# Without a tmpfs that has room for the second server (a container's /dev/shm has 64 MB), the server is on disk.
on_tmpfs='on tmpfs'
if [[ $(stat -f -c %T /dev/shm 2>/dev/null) == tmpfs && $(df --output=avail -B1M /dev/shm | tail -n 1) -gt 700 ]]; then
  fast=$(mktemp -d /dev/shm/rotv-demo.XXXXXX)
else
  fast=$(mktemp -d /tmp/rotv-demo-second.XXXXXX)
  on_tmpfs='on disk: /dev/shm has no 700 MB free'
fi
chmod 0711 "$fast"
second=(-X -q -v ON_ERROR_STOP=1 -h "$fast/socket" -U postgres -d rotv)

# --- 1

step "A small production database"
t=$(now)
start_postgres "$work/production" wal_level=logical max_slot_wal_keep_size=4GB max_wal_size=1GB
production_pid=$started
"$bin/psql" -X -q -h "$work/production/socket" -U postgres -d postgres -v ON_ERROR_STOP=1 \
  -c 'CREATE ROLE rotv LOGIN REPLICATION BYPASSRLS' -c 'CREATE DATABASE rotv OWNER rotv'
run "$bin/psql" "${production[@]}" -v "page_views=$page_views" -f "$here/production.sql"
version=$("$bin/psql" "${production[@]}" -Atc "SELECT current_setting('server_version')")
size=$("$bin/psql" "${production[@]}" -Atc 'SELECT pg_database_size(current_database())')
say "PostgreSQL ${version%% *} with the database of a park's visitor application, $(megabytes "$size"): $(since "$t")"

ssh-keygen -q -t ed25519 -N '' -C 'rotv demo host' -f "$work/host_key"
ssh-keygen -q -t ed25519 -N '' -C 'rotv demo' -f "$work/key"
use_pam=no
# Without PAM sshd refuses an account with a locked password, as root's often is, even with a key.
if [[ $(getent shadow "$(id -un)" 2>/dev/null | cut -d: -f2) == '!'* ]]; then use_pam=yes; fi
[[ $(id -u) != 0 ]] || mkdir -p /run/sshd
for _ in {1..5}; do
  port=$(free_port)
  cat >"$work/sshd_config" <<END
ListenAddress 127.0.0.1
Port $port
HostKey $work/host_key
AuthorizedKeysFile $work/key.pub
PidFile none
UsePAM $use_pam
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UseDNS no
PrintMotd no
MaxStartups 100
SetEnv PATH=$bin:/usr/local/bin:/usr/bin:/bin
END
  setpriv --pdeathsig TERM "$sshd" -D -e -f "$work/sshd_config" </dev/null >"$work/sshd.log" 2>&1 &
  sshd_pid=$!
  if wait_for "$sshd_pid" grep -q 'Server listening' "$work/sshd.log"; then break; fi
  sshd_pid=''
done
[[ -n $sshd_pid ]] || { cat "$work/sshd.log" >&2; fail "sshd does not start"; }
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d ' ' -f 1,2 "$work/host_key.pub")" >"$work/known_hosts"
ssh=(ssh -F none -i "$work/key" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes
  -o "UserKnownHostsFile=$work/known_hosts" -o GlobalKnownHostsFile=none -p "$port" "$(id -un)@127.0.0.1")
say "It listens only on a socket. It is reached through an sshd on 127.0.0.1:$port, whose host key must match."

cat >"$work/rotv.toml" <<END
[sources.production]
ssh         = "$(id -un)@127.0.0.1:$port"
identity    = "$work/key"
known_hosts = "$work/known_hosts"
host        = "$work/production/socket"
database    = "rotv"
user        = "rotv"
END
sync=("$rotv_sync" --config "$work/rotv.toml" --home "$work/home")
app=("$rotv" --config "$work/rotv.toml" --home "$work/home" --runtime local)

# Shows the command as a user would type it, runs it, and sets $took to its duration.
show() { show_as rotv-sync "${sync[@]}" -- "$@"; }

show_as() {  # NAME PROGRAM... -- ARGUMENTS...
  local t status=0 name=$1 program=()
  shift
  while [[ $1 != -- ]]; do program+=("$1") && shift; done
  shift
  printf '   %s$ %s %s%s\n' "$dim" "$name" "$*" "$plain"
  t=$(now)
  run "${program[@]}" "$@" >"$work/out" || status=$?
  indent <"$work/out"
  if [[ $status != 0 ]]; then
    tail -n 20 "$work/production/log" | indent >&2
    fail "$name $1 ended with $status"
  fi
  took=$(since "$t")
}

count_rows() {  # psql arguments; prints "table|rows", in order
  "$bin/psql" "$@" -At <<'END'
SELECT string_agg(format('SELECT %L, count(*) FROM %s', relname, oid::regclass), ' UNION ALL ') || ' ORDER BY 1'
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \gexec
END
}

# --- 2 to 6

step "rotv-sync checks everything before it changes anything"
show doctor

step "The baseline: one complete copy, at one position in production's WAL"
show baseline
count_rows "${production[@]}" >"$work/rows.before"
say "${bold}baseline: $took${plain}; the store has $(megabytes "$(du -sb "$work/home" | cut -f 1)")"
t=$(now)
run "${ssh[@]}" "pg_dump -h '$work/production/socket' -U rotv rotv" >"$work/plain_dump"
say "for comparison: ssh … pg_dump > file takes $(since "$t") for $(megabytes "$(stat -c %s "$work/plain_dump")")"
rm "$work/plain_dump"

step "An hour passes in production"
t=$(now)
run "$bin/psql" "${production[@]}" -f "$here/changes.sql"
say "2,000 small transactions and some large ones: a place with a picture renamed, another gone with all that belongs"
say "to it, keys changed, values swapped, one transaction rolled back, old sessions deleted: $(since "$t")"

step "The pull: only what was committed since"
show pull
say "${bold}pull: $took${plain}"
show pull
say "${bold}with nothing new: $took${plain}"

# Without the DROPs at its beginning, in which it differs from pg_dump's where that would fail in an empty database.
step "The seed: the database as plain SQL"
show materialize --no-clean --output "$work/seed-data.sql"
say "${bold}materialize: $took${plain} for $(megabytes "$(stat -c %s "$work/seed-data.sql")")"

# --- 7

step "A second PostgreSQL, $on_tmpfs, from the seed"
start_postgres "$fast" wal_level=minimal max_wal_senders=0 max_wal_size=2GB synchronous_commit=off
second_pid=$started
"$bin/psql" -X -q -h "$fast/socket" -U postgres -d postgres -c 'CREATE DATABASE rotv'
t=$(now)
run "$bin/psql" "${second[@]}" --single-transaction -o /dev/null -f "$work/seed-data.sql"
say "${bold}import: $(since "$t")${plain}"

# --- 8

step "Is it the same?"
count_rows "${production[@]}" >"$work/rows.now"
count_rows "${second[@]}" >"$work/rows.second"
printf '\n   %s%-16s %14s %14s %14s%s\n' "$bold" table "at baseline" "production" "from the seed" "$plain"
wrong=0
while IFS='|' read -r table before present imported; do
  mark="$green=$plain"
  [[ $present == "$imported" ]] || { mark="$red different$plain"; wrong=1; }
  printf '   %-16s %14s %14s %14s  %s\n' "$table" "$(thousands "$before")" "$(thousands "$present")" \
    "$(thousands "$imported")" "$mark"
done < <(join -t '|' "$work/rows.before" "$work/rows.now" | join -t '|' - "$work/rows.second")
printf '\n'

picture="SELECT name || ', ' || octet_length(cover) || ' bytes, md5 ' || left(md5(cover), 16) FROM places WHERE id = 42"
here_now=$("$bin/psql" "${production[@]}" -Atc "$picture")
there=$("$bin/psql" "${second[@]}" -Atc "$picture")
mark="$green=$plain"
[[ $here_now == "$there" ]] || { mark="$red different: $there$plain"; wrong=1; }
printf '   the renamed place and its picture: %s  %s\n\n' "$here_now" "$mark"

# Sorts rows within their COPY block, and drops comments, blank lines and psql's random keys. The rest must match.
canonical() {
  awk '
    copying                { if ($0 == "\\.") { copying = 0; n += 2 } printf "%09d\t%s\n", n, $0; next }
    /^COPY .* FROM stdin;$/ { copying = 1; printf "%09d\t%s\n", ++n, $0; ++n; next }
    /^--/ || /^$/ || /^\\(un)?restrict / { next }
                           { printf "%09d\t%s\n", ++n, $0 }
  ' | LC_ALL=C sort -S 256M -T "$work"
}
dump() {  # HOST, as of psql's -h; pg_dump sets neither of these two variables itself
  PGTZ=UTC PGOPTIONS='-c bytea_output=hex' "$bin/pg_dump" -h "$1" -U postgres --no-owner --no-acl --no-publications \
    --no-subscriptions rotv
}
compare() {  # NAME FILE
  local sum
  sum=$(sha256sum <"$2" | cut -c 1-16)
  if cmp -s "$2" "$work/dump.production"; then
    printf '   %-34s %s  %s=%s\n' "$1" "$sum" "$green" "$plain"
  else
    printf '   %-34s %s  %sdifferent%s\n' "$1" "$sum" "$red" "$plain"
    # Shows the first lines that differ, cut to a readable length.
    diff "$work/dump.production" "$2" | cut -c 1-160 | sed -n 1,10p | indent || true
    wrong=1
  fi
}
t=$(now)
dump "$work/production/socket" | canonical >"$work/dump.production"
canonical <"$work/seed-data.sql" >"$work/dump.seed"
dump "$fast/socket" | canonical >"$work/dump.second"
printf '   %-34s %s\n' "pg_dump of production, now" "$(sha256sum <"$work/dump.production" | cut -c 1-16)"
compare "the seed" "$work/dump.seed"
compare "pg_dump of the second PostgreSQL" "$work/dump.second"
say "compared byte for byte, rows sorted, in $(since "$t")"
rm "$work"/dump.*
[[ $wrong == 0 ]] || fail "they differ"

# --- 9

step "The application on it"
url=''
if [[ -d $here/../valley/backend/node_modules ]]; then
  # The copy is readable for the server's user, who runs the application if this script runs as root.
  cp -r "$here/../valley" "$work/valley"
  printf 'SESSION_SECRET=%s\n' "$(head -c 24 /dev/urandom | base64)" >"$work/valley/backend/.env"
  chmod -R a+rX "$work/valley"
  port=$(free_port) url=http://127.0.0.1:$port/
  printf '\n[app]\ndirectory = "%s"\nport = %d\n' "$work/valley" "$port" >>"$work/rotv.toml"
  application=yes
  show_as rotv "${app[@]}" -- start
  api_rows() { curl --silent --fail --noproxy '*' "${url}api/destinations" | grep -o '"id":' | wc -l; }
  [[ $(api_rows) == "$(sed -n 's/^places|//p' "$work/rows.now")" ]] || fail "the application shows other places than production has"
  show_as rotv "${app[@]}" -- psql -qc 'DELETE FROM events; DELETE FROM places WHERE id > 100 AND NOT EXISTS (SELECT FROM pictures WHERE place_id = places.id)'
  show_as rotv "${app[@]}" -- restart
  [[ $(api_rows) == "$(sed -n 's/^places|//p' "$work/rows.now")" ]] || fail "local changes are still there after a restart"
  say "${bold}clean again: $took${plain}. It runs at ${bold}$url${plain}"
  printf '   %s$ rotv validate-schema%s\n' "$dim" "$plain"
  status=0
  t=$(now)
  run "${app[@]}" validate-schema >"$work/out" || status=$?
  [[ $status == 9 ]] || fail "validate-schema ended with $status"
  # The SQL that would make the schemas equal is not shown.
  sed '/^-- /,$d' "$work/out" | grep . | cut -c 1-110 | indent
  say "${bold}compared: $(since "$t")${plain}. Production and the migrations have diverged here."
else
  say "skipped: the application's packages are not installed (npm ci in examples/valley/backend)"
fi

if [[ $keep == yes ]]; then
  cat <<END | indent

production:        $bin/psql -h $work/production/socket -U rotv rotv
the second one:    $bin/psql -h $fast/socket -U postgres rotv
follow it:         $rotv_sync --config $work/rotv.toml --home $work/home status
the application:   ${url:-skipped}
over SSH:          ${ssh[*]}
the seed:          $work/seed-data.sql
END
fi
if [[ -t 0 ]]; then
  printf '\n   Look at it in a browser. Enter or Ctrl-C ends everything and removes all of it. '
  read -r _ || true
elif [[ $keep == yes ]]; then
  say "Ctrl-C, or a TERM to process $$, ends it and removes all of it."
  run tail -f /dev/null || true
fi
if [[ $application == yes ]]; then
  show_as rotv "${app[@]}" -- stop
  application=no
fi

step "Nothing is left in production"
show detach
left=$("$bin/psql" -X -h "$work/production/socket" -U postgres -d rotv -Atc \
  "SELECT 'slot ' || slot_name FROM pg_replication_slots UNION ALL SELECT 'publication ' || pubname FROM pg_publication")
[[ -z $left ]] || fail "left in production: $left"
say "no slot, no publication; servers, keys and directories are removed now."
printf "\n%sDone in %d s: production's data, rebuilt from the stream of its changes.%s\n" "$bold" "$SECONDS" "$plain"
