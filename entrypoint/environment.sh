# shellcheck shell=bash
# Decides which process gets which variables. libpq's variables must not decide where anything here connects to. The
# application's variables are given only to the application, neither to the server nor to any helper.

# libpq's variables, as in os/process_environment, which describes them. A test compares the two lists.
libpq_variables=(
  PGAPPNAME PGAUTHTYPE PGCHANNELBINDING PGCLIENTENCODING PGCONNECT_TIMEOUT PGDATABASE PGDATESTYLE PGGEQO PGGSSDELEGATION
  PGGSSENCMODE PGGSSLIB PGHOST PGHOSTADDR PGKRBSRVNAME PGLOADBALANCEHOSTS PGLOCALEDIR PGMAXPROTOCOLVERSION
  PGMINPROTOCOLVERSION PGOAUTHDEBUG PGOPTIONS PGPASSFILE PGPASSWORD PGPORT PGREALM PGREQUIREAUTH PGREQUIREPEER
  PGREQUIRESSL PGSERVICE PGSERVICEFILE PGSSLCERT PGSSLCERTMODE PGSSLCOMPRESSION PGSSLCRL PGSSLCRLDIR PGSSLKEY
  PGSSLMAXPROTOCOLVERSION PGSSLMINPROTOCOLVERSION PGSSLMODE PGSSLNEGOTIATION PGSSLROOTCERT PGSSLSNI PGSYSCONFDIR
  PGTARGETSESSIONATTRS PGTTY PGTZ PGUSER PSQLRC PSQL_EDITOR PSQL_EDITOR_LINENUMBER_ARG PSQL_HISTORY PSQL_PAGER
  PSQL_WATCH_PAGER
)

# The names of the variables that only the application gets.
application_variables=()

# Makes them variables of this shell only: the programs that it starts do not inherit them.
withhold_environment() {
  local name
  unset "${libpq_variables[@]}"
  # What this program was given; to ask bash takes a process.
  while IFS= read -r -d '' name || [[ -n $name ]]; do
    name=${name%%=*}
    case $name in
      ROTV_* | LC_* | LANG | LANGUAGE | PATH | HOME | USER | LOGNAME | SHELL | SHLVL | PWD | TERM | TZ | TMPDIR) continue ;;
      LD_LIBRARY_PATH | LD_PRELOAD | LOCPATH | PORT | _) continue ;;
    esac
    [[ $name =~ ^[A-Za-z_][A-Za-z_0-9]*$ && -n ${!name+set} ]] || continue
    application_variables+=("$name")
    export -n "${name?}"
  done </proc/self/environ
}

# Gives libpq's variables that are in the application's .env a value that changes nothing: an application that reads its
# .env itself sets only variables that are not set. A service has no such value, and gets the database that runs here.
neutralize_libpq() {  # NAMES...
  local name
  for name in "$@"; do
    case $name in
      PGHOST | PGPORT | PGUSER | PGDATABASE) ;;
      PGSERVICE | PGSERVICEFILE)
        printf '[rotv]\nhost=%s\nport=%s\nuser=%s\ndbname=%s\n' "$PGHOST" "$PGPORT" "$PGUSER" "$PGDATABASE" >"$scratch/service.conf"
        export PGSERVICEFILE=$scratch/service.conf PGSERVICE=rotv
        ;;
      PGSSLMODE | PGGSSENCMODE | PGCHANNELBINDING | PGLOADBALANCEHOSTS) export "$name=disable" ;;
      PGTARGETSESSIONATTRS) export "$name=any" ;;
      PGDATESTYLE | PGTZ | PGGEQO) export "$name=default" ;;
      PGCONNECT_TIMEOUT | PGREQUIRESSL | PGSSLCOMPRESSION | PGGSSDELEGATION) export "$name=0" ;;
      PGSSLSNI) export "$name=1" ;;
      PGSSLMINPROTOCOLVERSION) export "$name=TLSv1.2" ;;
      PGSSLMAXPROTOCOLVERSION) export "$name=TLSv1.3" ;;
      PGMINPROTOCOLVERSION | PGMAXPROTOCOLVERSION) export "$name=3.0" ;;
      PGSSLCERTMODE) export "$name=allow" ;;
      PGSSLNEGOTIATION) export "$name=postgres" ;;
      *) export "$name=" ;;
    esac
  done
}

# Exports the application's variables again, for the application, or for this program when it runs as another user.
restore_environment() {
  [[ ${#application_variables[@]} == 0 ]] || export "${application_variables[@]?}"
}
