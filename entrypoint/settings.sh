# What the entrypoint is told by its environment, all with defaults that are right in the container:
#
#   ROTV_MODE            development, or persistent: the cluster outlives the run, and is safe on disk
#   ROTV_DATA            the cluster's directory
#   ROTV_SEED            the dump; plain, zstd or gzip
#   ROTV_SOCKET_DIR      of the server
#   ROTV_PGPORT          gives the socket its name
#   ROTV_LISTEN          listen_addresses; may be empty
#   ROTV_DATABASE        beside it there is NAME_test, empty
#   ROTV_DBUSER          its owner, a superuser of this cluster
#   ROTV_OS_USER         whom root becomes for the server
#   ROTV_APP_OS_USER     whom root becomes for the application; empty: stays root
#   ROTV_APP_DIR         the application; its backend/ where that holds a package.json
#   ROTV_APP_COMMAND     instead of what package.json says; set and empty: no application
#   ROTV_SECRETS_BASE64  names of variables whose values are in Base64, with commas between
#   ROTV_PGBIN           where PostgreSQL's programs are

read_settings() {
  decode_secrets
  mode=${ROTV_MODE:-development}
  data=${ROTV_DATA:-/data/pgdata}
  socket_directory=${ROTV_SOCKET_DIR:-/tmp/pgsocket}
  port=${ROTV_PGPORT:-5432}
  listen=${ROTV_LISTEN-127.0.0.1}
  database=${ROTV_DATABASE:-rotv}
  role=${ROTV_DBUSER:-rotv}
  os_user=${ROTV_OS_USER:-postgres}
  app_os_user=${ROTV_APP_OS_USER-postgres}
  seed=${ROTV_SEED:-$(first_seed)}
  find_programs
  find_application
}

# An --env-file cannot carry line ends.
decode_secrets() {
  local names name
  IFS=, read -r -a names <<<"${ROTV_SECRETS_BASE64:-}"
  for name in ${names[@]+"${names[@]}"}; do
    # $(...) would take line ends off the value's end.
    IFS= read -r -d '' "${name?}" < <(base64 -d <<<"${!name}"; printf '\0') || true
    export "${name?}"
  done
  unset ROTV_SECRETS_BASE64
}

first_seed() {
  local file
  for file in /tmp/seed-data.sql /tmp/seed-data.sql.zst /tmp/seed-data.sql.gz; do
    [[ ! -e $file ]] || { printf '%s' "$file"; return; }
  done
}

find_programs() {
  pgbin=${ROTV_PGBIN:-}
  [[ -n $pgbin ]] || pgbin=$(dirname "$(readlink -f "$(command -v initdb || printf '/')")")  # A link may stand alone.
  if [[ ! -x $pgbin/initdb ]]; then
    pgbin=$(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | grep -v '\*' | sort -V | tail -n 1)
  fi
  [[ -x $pgbin/initdb ]] || fail 'there are no PostgreSQL server programs here' 'rotv build makes an image that has them'
}

find_application() {
  app_directory=${ROTV_APP_DIR:-/app}
  [[ ! -f $app_directory/backend/package.json ]] || app_directory=$app_directory/backend
  app_command=${ROTV_APP_COMMAND-}
  [[ -z ${ROTV_APP_COMMAND+set} ]] || return 0
  [[ -f $app_directory/package.json ]] || return 0
  # As npm does it: the start script, else the main file. npm itself would stand between us and the application's end.
  # shellcheck disable=SC2016  # JavaScript's own quotes.
  app_command=$(node -p 'const p = require(process.argv[1]); p.scripts?.start ?? `node ${p.main ?? "server.js"}`' \
    "$app_directory/package.json") || fail "$app_directory/package.json cannot be read"
}

# Becomes a program, as USER where we are root; to be called in a subshell. setpriv leaves the environment as it is.
exec_as() {  # USER PROGRAM...
  local user=$1
  shift
  if [[ $(id -u) == 0 && -n $user && $user != root ]]; then
    HOME=$(getent passwd "$user" | cut -d: -f6)
    exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@"
  fi
  exec "$@"
}
