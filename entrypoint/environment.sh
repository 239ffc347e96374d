# shellcheck shell=bash
# Who is given which variables. Nothing of libpq's may say where anything here connects to; and what is meant for the
# application is given to it alone, neither to the server nor to any helper.

# As in os/process_environment, which says what they are. A test compares the two.
libpq_variables=(
  PGAPPNAME PGAUTHTYPE PGCHANNELBINDING PGCLIENTENCODING PGCONNECT_TIMEOUT PGDATABASE PGDATESTYLE PGGEQO PGGSSDELEGATION
  PGGSSENCMODE PGGSSLIB PGHOST PGHOSTADDR PGKRBSRVNAME PGLOADBALANCEHOSTS PGLOCALEDIR PGMAXPROTOCOLVERSION
  PGMINPROTOCOLVERSION PGOAUTHDEBUG PGOPTIONS PGPASSFILE PGPASSWORD PGPORT PGREALM PGREQUIREAUTH PGREQUIREPEER
  PGREQUIRESSL PGSERVICE PGSERVICEFILE PGSSLCERT PGSSLCERTMODE PGSSLCOMPRESSION PGSSLCRL PGSSLCRLDIR PGSSLKEY
  PGSSLMAXPROTOCOLVERSION PGSSLMINPROTOCOLVERSION PGSSLMODE PGSSLNEGOTIATION PGSSLROOTCERT PGSSLSNI PGSYSCONFDIR
  PGTARGETSESSIONATTRS PGTTY PGTZ PGUSER PSQLRC PSQL_EDITOR PSQL_EDITOR_LINENUMBER_ARG PSQL_HISTORY PSQL_PAGER
  PSQL_WATCH_PAGER
)

# Those that are for the application alone.
application_variables=()

# From here on they are variables of this shell only: what it starts does not inherit them.
withhold_environment() {
  local name
  unset "${libpq_variables[@]}"
  while IFS= read -r name; do
    case $name in
      ROTV_* | LC_* | LANG | LANGUAGE | PATH | HOME | USER | LOGNAME | SHELL | SHLVL | PWD | TERM | TZ | TMPDIR) continue ;;
      LD_LIBRARY_PATH | LD_PRELOAD | PORT) continue ;;
    esac
    application_variables+=("$name")
    export -n "${name?}"
  done < <(compgen -e)
}

# An application that reads its .env itself sets what is not set: each of libpq's variables that stands there is given
# a value that changes nothing. A service has none such, and is the database that runs here.
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

# For the application, or for this program in another user's name.
restore_environment() {
  [[ ${#application_variables[@]} == 0 ]] || export "${application_variables[@]?}"
}
