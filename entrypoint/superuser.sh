# shellcheck shell=bash
# What a superuser makes, and who may be one when. The source is not trusted: everything that its schema can say runs as
# the role $ROTV_DBUSER, which owns the database and is an ordinary role. The cluster's own superuser makes roles,
# databases and extensions before any of the source's code is there, and can log in only then: afterwards pg_hba.conf
# rejects it on every way, so that nothing in the database reaches it, by dblink and the server's own user either.

# No application's user has this name.
superuser=rotv_superuser

# What the programs of PostgreSQL need of our variables; the others may be secrets. By the marks processes are found.
set_plain_environment() {
  local name
  plain_environment=("HOME=$scratch")
  for name in PATH LANG LANGUAGE TZ LD_LIBRARY_PATH ROTV_RUN ROTV_TEST_MARK "${!LC_@}"; do
    [[ -z ${!name+set} ]] || plain_environment+=("$name=${!name}")
  done
}

# Replaces the process: to be called where one was made for it.
exec_plain() { exec env -i "${plain_environment[@]}" "$@"; }

psql_as() {  # ROLE DATABASE ARGUMENTS...
  local role=$1 database=$2
  shift 2
  run exec_plain PGOPTIONS='-c search_path=pg_catalog' "$ROTV_PGBIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 \
    -h "$ROTV_SOCKET_DIR" -p "$ROTV_PGPORT" -U "$role" -d "$database" "$@"
}

as_superuser() { psql_as "$superuser" "$@"; }  # DATABASE ARGUMENTS...

require_ordinary_user() {
  [[ $ROTV_DBUSER != "$superuser" && $ROTV_DBUSER != pg_* ]] ||
    fail "the database's user cannot be called $ROTV_DBUSER, which is PostgreSQL's name or ours" "set ROTV_DBUSER to another one"
}

# The replication protocol reads and writes files, and has lines of its own.
write_hba() {  # trust, or reject: for the superuser
  cat >"$ROTV_DATA/pg_hba.conf.new" <<END && mv "$ROTV_DATA/pg_hba.conf.new" "$ROTV_DATA/pg_hba.conf"
local all,replication $superuser $1
host all,replication $superuser all reject
local all,replication all trust
host all,replication all 127.0.0.1/32 trust
host all,replication all ::1/128 trust
END
}

# Returns when the running server obeys.
admit_superuser() {  # yes or no
  local rule=reject status wanted=2
  [[ $1 == no ]] || rule=trust wanted=0
  write_hba "$rule" || fail_full "pg_hba.conf cannot be written"
  kill -HUP "$server"
  for _ in {1..500}; do
    status=0
    as_superuser postgres -c '' >/dev/null 2>&1 || status=$?
    [[ $status != "$wanted" ]] || return 0
    kill -0 "$server" 2>/dev/null || break
    nap 0.02
  done
  fail "PostgreSQL does not read its pg_hba.conf"
}

# Before there is anything of the source. CREATEDB: test suites make databases of their own. BYPASSRLS: rows come in, and
# views are filled, also where tables force their policies on their owner. REPLICATION: a persistent cluster can be followed.
make_databases() {
  local replication=NOREPLICATION
  [[ $ROTV_MODE != persistent ]] || replication=REPLICATION
  as_superuser postgres -v user="$ROTV_DBUSER" -v name="$ROTV_DATABASE" -v test="${ROTV_DATABASE}_test" \
    -v replication=$replication 2>"$scratch/sql" <<'END' || fail_full "the database cannot be made: $(head -n 1 "$scratch/sql")"
CREATE ROLE :"user" LOGIN CREATEDB BYPASSRLS :replication;
CREATE DATABASE :"name" OWNER :"user" TEMPLATE template0;
CREATE DATABASE :"test" OWNER :"user" TEMPLATE template0;
END
  # Up to 14 the public schema is the superuser's.
  (($(<"$ROTV_DATA/PG_VERSION") > 14)) || { give_schemas "$ROTV_DATABASE" && give_schemas "${ROTV_DATABASE}_test"; }
}

give_schemas() {  # DATABASE
  as_superuser "$1" -v user="$ROTV_DBUSER" >/dev/null 2>"$scratch/sql" <<'END' ||
SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, :'user') FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspowner = 10 \gexec
END
    fail_full "the schemas cannot be given to $ROTV_DBUSER: $(head -n 1 "$scratch/sql")"
}

# Policies name roles, which are no part of a dump. The application's role may become one of them; one of PostgreSQL's
# own, which a policy may name as well, is neither made nor granted.
make_roles() {
  local role
  while IFS= read -r role; do
    [[ -n $role && $role != pg_* && $role != "$superuser" && $role != "$ROTV_DBUSER" ]] || continue
    as_superuser postgres -v role="$role" -v user="$ROTV_DBUSER" 2>"$scratch/sql" <<'END' ||
CREATE ROLE :"role";
SELECT format(CASE WHEN current_setting('server_version_num')::int >= 160000
                   THEN 'GRANT %I TO %I WITH INHERIT FALSE, SET TRUE' ELSE 'GRANT %I TO %I' END, :'role', :'user') \gexec
END
      fail_full "the role $role cannot be made: $(head -n 1 "$scratch/sql")"
  done <<<"${ROTV_ROLES:-}"
}

# The extensions that the seed names, from what is installed. Names and comments are all that is taken from the seed.
make_extensions() {  # FILE OF seed_filter.awk's PLAN
  if [[ -s $1 ]]; then
    { cat "$here/extensions.sql" "$1" && printf '%s\n' '\.' 'SELECT pg_temp.make_extensions() \g /dev/null' 'TABLE pg_temp.left_out;'; } \
      >"$scratch/extensions.sql"
    as_superuser "$ROTV_DATABASE" -v user="$ROTV_DBUSER" -v trust="$ROTV_TRUST" -f "$scratch/extensions.sql" \
      >>"$left_out" 2>"$scratch/sql" || fail_on_extension
    give_schemas "$ROTV_DATABASE"
  fi
}

fail_on_extension() {
  local error
  error=$(grep -m 1 -E 'ERROR:|FATAL:' "$scratch/sql" || head -n 1 "$scratch/sql")
  fail_full "an extension of the seed cannot be made: ${error#*ERROR:  }" \
    "install it where PostgreSQL runs: on this machine, or in the image"
}

trusted_languages() {
  as_superuser "$ROTV_DATABASE" -c 'SELECT lanname FROM pg_language WHERE lanpltrusted'
}

set_superuser() {  # yes or no: whether the application's role is one
  local word=NOSUPERUSER
  [[ $1 == no ]] || word=SUPERUSER
  as_superuser postgres -v user="$ROTV_DBUSER" 2>"$scratch/sql" <<<"ALTER ROLE :\"user\" $word;" ||
    fail_full "the rights of $ROTV_DBUSER cannot be set: $(head -n 1 "$scratch/sql")"
}

# For code that is not the source's, in databases of its own: the migrations of a comparison.
make_admin() {
  as_superuser postgres -v admin="$ROTV_ADMIN" 2>"$scratch/sql" <<<'CREATE ROLE :"admin" SUPERUSER LOGIN;' ||
    fail_full "the role $ROTV_ADMIN cannot be made: $(head -n 1 "$scratch/sql")"
}

# A cluster that was made under other rules keeps them: what it lets the application do is its owner's to decide.
compare_rights() {
  local found
  found=$(psql_as "$ROTV_DBUSER" "$ROTV_DATABASE" -c 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user') || return 0
  if [[ $found == t && $ROTV_SUPERUSER == no ]]; then
    say "warning: in this cluster, which was made before, $ROTV_DBUSER is a superuser: code in the source's schema may run" \
      "programs here. To have an ordinary role, make the cluster again: stop, and remove $ROTV_DATA"
  elif [[ $found == f && $ROTV_SUPERUSER == yes ]]; then
    say "warning: in this cluster, which was made before, $ROTV_DBUSER is no superuser, though [app] asks for one. To have" \
      "it so, make the cluster again: stop, and remove $ROTV_DATA"
  fi
}
