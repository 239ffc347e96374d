# shellcheck shell=bash
# The application, in the foreground as far as anybody can see: in a process group of its own, which gets the signals.

# Its process, which leads its group; empty when it does not run.
application=''

start_application() {
  local directory=$ROTV_APP_DIR command=${ROTV_APP_COMMAND:-}
  [[ ! -f $directory/backend/package.json ]] || directory+=/backend
  if [[ ${ROTV_APP_COMMAND-default} == '' || (-z $command && ! -f $directory/package.json) ]]; then
    phase 'database only'
    return 0
  fi
  phase application
  [[ -x $directory ]] || fail "the user $(id -un) cannot reach $directory, where the application is"
  [[ -n $command ]] || command=$(default_command "$directory")
  [[ -n $command ]] || fail "nothing says how to start the application in $directory" \
    "name its \"main\" in package.json, or set ROTV_APP_COMMAND"
  (
    trap - INT QUIT
    cd "$directory"
    set_environment
    # It must not keep the data's lock when it outlives the server.
    exec {lock_fd}<&-
    exec setsid setpriv --pdeathsig KILL bash -c "exec $command" </dev/null
  ) &
  application=$!
}

# What `npm start` would come to, without npm, which passes signals on late and costs a second.
default_command() {  # DIRECTORY
  if grep -qs '"main"[[:space:]]*:' "$1/package.json"; then
    printf 'node .'
  elif [[ -f $1/server.js ]]; then
    printf 'node server.js'
  elif grep -qs '"start"[[:space:]]*:' "$1/package.json"; then
    printf 'npm start'
  fi
}

# What was meant for the application, and the database that runs here. DATABASE_URL and the like come from `rotv start`,
# which has put them in the place of those that the application was given.
set_environment() {
  restore_environment
  export PGHOST=$ROTV_SOCKET_DIR PGPORT=$ROTV_PGPORT PGDATABASE=$ROTV_DATABASE PGUSER=$ROTV_DBUSER
  # shellcheck disable=SC2086  # Names, one a word.
  neutralize_libpq ${ROTV_LIBPQ_NAMES:-}
  if [[ -z ${NODE_ENV:-} ]]; then
    [[ $ROTV_MODE == persistent ]] && NODE_ENV=production || NODE_ENV=development
    export NODE_ENV
  fi
}

# The first process of it has ended; what it started goes too.
application_ended() {
  kill -KILL -- "-$application" 2>/dev/null || true
  application=''
}

# Asked first, and after ten seconds no more.
stop_application() {
  [[ -n $application ]] || return 0
  local end=$((SECONDS + 10)) asked=no
  while kill -0 "$application" 2>/dev/null && ((SECONDS < end)); do
    # Once, since many take a second time for impatience; but before setsid there is no group yet, and nobody to hear it.
    if [[ $asked == no ]]; then
      if kill -TERM -- "-$application" 2>/dev/null; then asked=yes; else kill -TERM "$application" 2>/dev/null; fi
    fi
    nap 0.02
  done
  kill -KILL "$application" 2>/dev/null
  application_ended
}
