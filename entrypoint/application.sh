# The application, in the foreground as it were: the entrypoint lives as long as it does.

app_pid=''

readonly app_patience=10  # Seconds between being asked to end and being made to.

run_application() {
  local status=0 ended=''
  export PGHOST=$socket_directory PGPORT=$port PGDATABASE=$database PGUSER=$role
  if [[ $mode == persistent ]]; then export NODE_ENV=${NODE_ENV:-production}; else export NODE_ENV=${NODE_ENV:-development}; fi
  # A session of its own, so that a signal reaches all that it starts.
  (cd "$app_directory" && exec_as "$app_os_user" setsid bash -c "exec $app_command") &
  app_pid=$!
  wait -n -p ended "$app_pid" "$server_pid" || status=$?
  if [[ $ended == "$server_pid" ]]; then
    server_pid=''
    fail 'PostgreSQL has ended under the application'
  fi
  app_pid=''
  fail "the application has ended with status $status"
}

stop_application() {
  [[ -n $app_pid ]] || return 0
  local waited=0
  kill -TERM -- "-$app_pid" 2>/dev/null
  while kill -0 -- "-$app_pid" 2>/dev/null; do
    if ((waited++ >= app_patience * 20)); then
      kill -KILL -- "-$app_pid" 2>/dev/null
      break
    fi
    sleep 0.05
  done
  wait "$app_pid" 2>/dev/null
  app_pid=''
}
