# shellcheck shell=bash
# Starts and stops the application. It runs in a process group of its own, and signals are sent to the group.

# The application's process, which leads its group; empty when it does not run.
application=''
# The process that waits until the application is started again; empty when none does.
restart_timer=''
restart_delay=1 application_began=0

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
  [[ -n $command ]] || fail "it is not known how to start the application in $directory" \
    "name its \"main\" in package.json, or set ROTV_APP_COMMAND"
  (
    trap - INT QUIT
    cd "$directory"
    set_environment
    # They may hold secrets of the source.
    unset ROTV_SETTINGS ROTV_SERVER_SETTINGS
    # The application must not hold the lock on the data if it outlives the server.
    exec {lock_fd}<&-
    forget_warm
    forget_layer
    # As written: a list, a variable before the program. A single program takes the place of the shell.
    exec setsid setpriv --pdeathsig KILL bash -c "$command" </dev/null
  ) &
  application=$!
  application_began=$SECONDS
}

# The application on a persistent cluster has ended, and the database goes on without it: starts it again, if that is
# wanted. One that ends at once every time is started ever more rarely.
plan_restart() {  # STATUS
  if [[ $ROTV_RESTART == no || ($ROTV_RESTART == on-failure && $1 == 0) ]]; then
    say "it is not started again (restart = $ROTV_RESTART in [app]); the database goes on"
    return 0
  fi
  ((SECONDS - application_began < 60)) || restart_delay=1
  say "it is started again in $restart_delay s"
  sleep "$restart_delay" &
  restart_timer=$!
  restart_delay=$((restart_delay < 32 ? restart_delay * 2 : 60))
}

# Prints the command that `npm start` would run. npm itself is not used: it passes signals on late and costs a second.
default_command() {  # DIRECTORY
  local text=''
  { read -r -d '' text <"$1/package.json"; } 2>/dev/null || true
  if [[ $text =~ \"main\"[[:space:]]*: ]]; then
    printf 'node .'
  elif [[ -f $1/server.js ]]; then
    printf 'node server.js'
  elif [[ $text =~ \"start\"[[:space:]]*: ]]; then
    printf 'npm start'
  fi
}

# Sets the application's variables, and those that name the database that runs here. `rotv start` has already replaced
# DATABASE_URL and similar variables.
set_environment() {
  restore_environment
  export PGHOST=$ROTV_SOCKET_DIR PGPORT=$ROTV_PGPORT PGDATABASE=$ROTV_DATABASE PGUSER=$ROTV_DBUSER
  # shellcheck disable=SC2086  # Each word is a name.
  neutralize_libpq ${ROTV_LIBPQ_NAMES:-}
  if [[ -z ${NODE_ENV:-} ]]; then
    [[ $ROTV_MODE == persistent ]] && NODE_ENV=production || NODE_ENV=development
    export NODE_ENV
  fi
}

# The application's first process has ended: kills everything that it started.
application_ended() {
  kill -KILL -- "-$application" 2>/dev/null || true
  application=''
}

# Asks the application to end, and kills it after ten seconds.
stop_application() {
  [[ -n $application ]] || return 0
  local end=$((SECONDS + 10)) asked=no
  while kill -0 "$application" 2>/dev/null && ((SECONDS < end)); do
    # The group gets TERM once, because many programs take a second one for a request to abort. Before setsid there is
    # no group yet, and bash may not react: it gets TERM until there is one.
    if [[ $asked == no ]]; then
      if kill -TERM -- "-$application" 2>/dev/null; then asked=yes; else kill -TERM "$application" 2>/dev/null; fi
    fi
    if [[ $asked == yes ]]; then run await_gone "$application" $((end - SECONDS)) || true; else nap 0.02; fi
  done
  kill -KILL "$application" 2>/dev/null
  application_ended
}
