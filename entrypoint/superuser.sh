# shellcheck shell=bash
# Creates what only a superuser can create, and decides who is a superuser when. The source is not trusted: all code in
# its schema runs as the role $ROTV_DBUSER, which owns the database and is an ordinary role. The cluster's own superuser
# creates roles, databases and extensions before any of the source's code is there, and can log in only then: afterwards
# pg_hba.conf rejects it for every kind of connection, so that nothing in the database reaches it, not even by dblink as
# the server's user.

# The name of the cluster's own superuser; no application's user has it.
superuser=rotv_superuser

# Chooses the variables that PostgreSQL's programs need; the others may be secrets. Processes are found by ROTV_RUN and
# ROTV_TEST_MARK.
set_plain_environment() {
  local name
  plain_environment=("HOME=$scratch")
  for name in PATH LANG LANGUAGE LOCPATH TZ LD_LIBRARY_PATH ROTV_RUN ROTV_TEST_MARK "${!LC_@}"; do
    [[ -z ${!name+set} ]] || plain_environment+=("$name=${!name}")
  done
}

# Replaces the process: it must be called in a process that was made for it.
exec_plain() { exec env -i "${plain_environment[@]}" "$@"; }

psql_as() {  # ROLE DATABASE ARGUMENTS...
  local role=$1 database=$2
  shift 2
  # The database may have settings of the source's.
  run exec_plain PGOPTIONS="-c search_path=pg_catalog -c default_transaction_read_only=off -c statement_timeout=0${more_options:-}" \
    "$ROTV_PGBIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 \
    -h "$ROTV_SOCKET_DIR" -p "$ROTV_PGPORT" -U "$role" -d "$database" "$@"
}

as_superuser() { psql_as "$superuser" "$@"; }  # DATABASE ARGUMENTS...

require_ordinary_user() {
  [[ $ROTV_DBUSER != "$superuser" && $ROTV_DBUSER != pg_* ]] ||
    fail "the database's user cannot be called $ROTV_DBUSER, which is a name of PostgreSQL or of rotv" "set ROTV_DBUSER to another one"
}

# Writes pg_hba.conf. The replication protocol can read and write files, and needs entries of its own. Where the server
# has a port that other users of the machine reach, a password is asked for.
write_hba() {  # trust, or reject: for the superuser
  {
    printf '%s\n' "local all,replication $superuser $1" "host all,replication $superuser all reject" \
      'local all,replication all trust'
    if [[ -n ${ROTV_PASSWORD:-} ]]; then
      printf '%s\n' "$password_rule"
    else
      printf '%s\n' 'host all,replication all 127.0.0.1/32 trust' 'host all,replication all ::1/128 trust'
    fi
  } >"$ROTV_DATA/pg_hba.conf.new" && mv "$ROTV_DATA/pg_hba.conf.new" "$ROTV_DATA/pg_hba.conf"
}
password_rule='host all,replication all all scram-sha-256'

# For a cluster that was kept, before its server starts: it may be that of a start with another port.
renew_hba() {
  local rules=''
  { rules=$(<"$ROTV_DATA/pg_hba.conf"); } 2>/dev/null || true
  [[ -n ${ROTV_PASSWORD:-} || $'\n'$rules$'\n' == *$'\n'"$password_rule"$'\n'* ]] || return 0
  write_hba reject || fail_full "pg_hba.conf cannot be written"
}

set_password() {
  [[ -n ${ROTV_PASSWORD:-} ]] || return 0
  [[ $ROTV_PASSWORD =~ ^[0-9a-f]+$ ]] || fail "ROTV_PASSWORD must have hexadecimal digits only"
  psql_as "$ROTV_DBUSER" "$ROTV_DATABASE" 2>"$scratch/sql" \
    <<<"SET password_encryption = 'scram-sha-256'; ALTER ROLE CURRENT_USER PASSWORD '$ROTV_PASSWORD';" ||
    fail_full "the password of $ROTV_DBUSER cannot be set: $(head -n 1 "$scratch/sql")"
}

# Lets the superuser log in, or not; returns when the running server has applied it.
admit_superuser() {  # yes or no
  say_who_may_log_in "$1"
  await_superuser "$1"
}

say_who_may_log_in() {  # yes or no, for the superuser
  local rule=reject
  [[ $1 == no ]] || rule=trust
  write_hba "$rule" || fail_full "pg_hba.conf cannot be written"
  kill -HUP "$server"
}

await_superuser() {  # yes or no
  local status wanted=2
  [[ $1 == no ]] || wanted=0
  for _ in {1..500}; do
    status=0
    as_superuser postgres -c '' >/dev/null 2>&1 || status=$?
    [[ $status != "$wanted" ]] || return 0
    kill -0 "$server" 2>/dev/null || break
    nap 0.02
  done
  fail "PostgreSQL does not read its pg_hba.conf"
}

# Creates the role and its databases, before there is anything of the source. CREATEDB: test suites create databases of
# their own. BYPASSRLS: rows are imported and views filled even if tables force their policies on their owner.
# REPLICATION: a persistent cluster can be a source itself.
make_databases() {
  local replication=NOREPLICATION
  [[ $ROTV_MODE != persistent ]] || replication=REPLICATION
  as_superuser postgres -v user="$ROTV_DBUSER" -v replication=$replication 2>"$scratch/sql" \
    <<<"CREATE ROLE :\"user\" LOGIN CREATEDB BYPASSRLS :replication; $(sql_of_postgres_role)" ||
    fail_full "the role $ROTV_DBUSER cannot be created: $(head -n 1 "$scratch/sql")"
  create_databases
  # Up to version 14 the superuser owns the public schema.
  (($(<"$ROTV_DATA/PG_VERSION") > 14)) || { give_schemas "$ROTV_DATABASE" && give_schemas "${ROTV_DATABASE}_test"; }
}

give_schemas() {  # DATABASE
  as_superuser "$1" -v user="$ROTV_DBUSER" >/dev/null 2>"$scratch/sql" <<'END' ||
SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, :'user') FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspowner = 10 \gexec
END
    fail_full "the owner of the schemas cannot be changed to $ROTV_DBUSER: $(head -n 1 "$scratch/sql")"
}

# Roles of PostgreSQL itself, which a policy may name as well, are neither created nor granted.
make_roles() {
  local role rows='' problems
  while IFS= read -r role; do
    [[ -n $role && $role != pg_* && $role != "$superuser" && $role != "$ROTV_DBUSER" ]] || continue
    role=${role//\\/\\\\}
    rows+=${role//$'\t'/\\t}$'\n'
  done <<<"${ROTV_ROLES:-}"
  [[ -n $rows ]] || return 0
  { cat "$here/roles.sql" && printf '%s\\.\n' "$rows" && printf '%s\n' 'SELECT * FROM pg_temp.make_roles();'; } >"$scratch/roles.sql"
  problems=$(as_superuser postgres -v user="$ROTV_DBUSER" -f "$scratch/roles.sql" 2>"$scratch/sql") ||
    fail_full "roles cannot be created: $(head -n 1 "$scratch/sql")"
  while IFS= read -r role; do [[ -z $role ]] || differs "$role"; done <<<"$problems"
}

# Prints the SQL that lets `psql -U postgres` in, which people type: an ordinary role with the rights of the
# application's, unless the seed has a role of that name.
sql_of_postgres_role() {
  [[ $ROTV_DBUSER != postgres && $'\n'"${ROTV_ROLES:-}"$'\n' != *$'\n'postgres$'\n'* ]] || return 0
  printf '%s' 'CREATE ROLE postgres LOGIN CREATEDB BYPASSRLS IN ROLE :"user";'
}

# Creates the extensions that the seed names, if they are installed. Only names and comments are taken from the seed.
make_extensions() {  # FILE OF seed_filter.awk's PLAN
  if [[ -s $1 ]]; then
    { cat "$here/extensions.sql" "$1" && printf '%s\n' '\.' 'SELECT pg_temp.make_extensions() \g /dev/null' 'TABLE pg_temp.left_out;'; } \
      >"$scratch/extensions.sql"
    as_superuser "$ROTV_DATABASE" -v user="$ROTV_DBUSER" -v trust="$ROTV_TRUST" -v skip="${ROTV_SKIP_EXTENSIONS:-}" \
      -f "$scratch/extensions.sql" >>"$left_out" 2>"$scratch/sql" || fail_on_extension
    [[ -z ${ROTV_SKIP_EXTENSIONS:-} ]] ||
      differs "skip_extensions in [app] of rotv.toml leaves out: ${ROTV_SKIP_EXTENSIONS//$'\n'/, }"
    give_schemas "$ROTV_DATABASE"
  fi
}

# The hint is the line for rotv.toml. The name stands in the statement that failed, as SQL has it.
fail_on_extension() {
  local error name hint="install it where PostgreSQL runs: on this machine, or in the image"
  error=$(error_in "$scratch/sql")
  name=$(sed -n 's/.*CREATE EXTENSION IF NOT EXISTS \("[^"]*"\|[A-Za-z0-9_$]*\).*/\1/p' "$scratch/sql" | sed -n 1p)
  name=${name//\"/}
  if [[ $error == *preload* ]]; then
    hint="in [app] of rotv.toml, settings = { shared_preload_libraries = \"$name\" } loads it when the server starts"
  fi
  [[ -z $name ]] || hint+="; skip_extensions = [\"$name\"] in [app] of rotv.toml leaves it out"
  fail_full "an extension of the seed cannot be created: $error" "$hint"
}

trusted_languages() {
  as_superuser "$ROTV_DATABASE" -c 'SELECT lanname FROM pg_language WHERE lanpltrusted'
}

set_superuser() {  # yes or no, for the application's role
  local word=NOSUPERUSER
  [[ $1 == no ]] || word=SUPERUSER
  as_superuser postgres -v user="$ROTV_DBUSER" 2>"$scratch/sql" <<<"ALTER ROLE :\"user\" $word;" ||
    fail_full "the rights of $ROTV_DBUSER cannot be changed: $(head -n 1 "$scratch/sql")"
}

# Creates a superuser for code that is not the source's, in databases of its own: the migrations of a comparison.
make_admin() {
  as_superuser postgres -v admin="$ROTV_ADMIN" 2>"$scratch/sql" <<<'CREATE ROLE :"admin" SUPERUSER LOGIN;' ||
    fail_full "the role $ROTV_ADMIN cannot be created: $(head -n 1 "$scratch/sql")"
}

# Warns if an existing cluster has other rights than [app] asks for. It keeps them: its owner decides what the
# application may do in it.
compare_rights() {
  local found
  found=$(psql_as "$ROTV_DBUSER" "$ROTV_DATABASE" -c 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user') || return 0
  if [[ $found == t && $ROTV_SUPERUSER == no ]]; then
    say "warning: in this existing cluster $ROTV_DBUSER is a superuser: code in the source's schema may run programs" \
      "here. To get an ordinary role, create the cluster again: stop, and remove $ROTV_DATA"
  elif [[ $found == f && $ROTV_SUPERUSER == yes ]]; then
    say "warning: in this existing cluster $ROTV_DBUSER is not a superuser, though [app] asks for one. To get one," \
      "create the cluster again: stop, and remove $ROTV_DATA"
  fi
}
