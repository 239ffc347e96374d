# shellcheck shell=bash
# Makes the databases like the source's: what a dump does not say of it comes in variables (cli/launch/twin_variables).
# All of it was chosen by the source's owner: it is data, in psql's variables or in rows of COPY, and never a command.
# What cannot be had here is a warning, at this start and at each later one on the same data.
#
#   ROTV_SOURCE_VERSION     server_version_num; empty: nothing is known, and the database is UTF8 and C.UTF-8
#   ROTV_ENCODING           PostgreSQL's name for it
#   ROTV_LOCALE_PROVIDER    libc, icu or builtin; ROTV_COLLATE, ROTV_CTYPE, ROTV_LOCALE, ROTV_ICU_RULES,
#                           ROTV_COLLATION_VERSION: as in pg_database
#   ROTV_LC_MONETARY        the format in which the seed has amounts of money
#   ROTV_LOCALES            the locales of libc that all of it names: words of letters, digits and _.@-
#   ROTV_SETTINGS           what a session on the source has: rows of COPY, a name and a value
#   ROTV_UNKNOWN_SETTINGS   names of settings that could not be passed on, for people
#   ROTV_TABLESPACES        their names, one per line
#   ROTV_COLLATIONS         collations of libc: rows of COPY, schema, name, collate, ctype
#   ROTV_SKIP_EXTENSIONS    names of extensions that are left out, one per line
#   ROTV_SERVER_SETTINGS    lines of postgresql.conf

# This file in the cluster's directory says in what the database differs from the source's, one difference per line.
differs_file=rotv-differs

differs() { printf '%s\n' "${*//[$'\n\r']/ }" >>"$ROTV_DATA/$differs_file"; }

tell_differences() {
  local line
  [[ -s $ROTV_DATA/$differs_file ]] || return 0
  while IFS= read -r line; do say "warning: $line"; done <"$ROTV_DATA/$differs_file"
}

# Prints the way to what is missing.
to_install() {  # WITHOUT A CONTAINER
  if [[ -n ${ROTV_IN_CONTAINER:-} ]]; then printf 'rotv build makes an image with it'; else printf '%s' "$1"; fi
}

# Prints those of the source's locales that are here. bash complains of others.
locales_here() {
  local name
  for name in ${ROTV_LOCALES:-}; do
    [[ -n $({ LC_ALL=$name; } 2>&1) ]] || printf '%s ' "$name"
  done
}

to_install_locale() { to_install "install it, by localedef or locale-gen, and start again"; }

# A seed of a newer PostgreSQL cannot be imported in general, and its error would not say why.
require_version() {
  local theirs=$((${ROTV_SOURCE_VERSION:-0} / 10000))
  ((theirs <= server_major)) ||
    fail "the source is PostgreSQL $theirs, and the server here is PostgreSQL $server_major, which is older" \
    "$(to_install "install PostgreSQL $theirs or newer, or run in a container: apt-get install postgresql-$theirs")"
}

# --- Encoding and locale.

# Prints the ways to make a database, the best first; the last one always works.
database_ways() {
  if [[ -n ${ROTV_SOURCE_VERSION:-} ]]; then
    printf '%s\n' same
    [[ $ROTV_LOCALE_PROVIDER == libc ]] || printf '%s\n' same_in_base
    [[ $ROTV_ENCODING == UTF8 ]] || printf '%s\n' utf8
    [[ -z $(icu_name) ]] || ((server_major < 15)) || printf '%s\n' near
    printf '%s\n' base
  fi
  printf '%s\n' plain
}

# Prints ICU's name for a locale of libc, or nothing if it sorts by bytes or has no such name: de_AT.UTF-8, de-AT.
icu_name() {
  local name=${ROTV_COLLATE:-}
  [[ $ROTV_LOCALE_PROVIDER != libc || ! $name =~ ^([a-z]{2,3})(_([A-Z]{2}))?([.@].*)?$ ]] ||
    printf '%s' "${BASH_REMATCH[1]}${BASH_REMATCH[3]:+-${BASH_REMATCH[3]}}"
}

# Prints the options of CREATE DATABASE with psql's variables in it.
database_options() {  # WAY
  local libc=''
  ((server_major < 15)) || libc='LOCALE_PROVIDER libc '
  case $1 in
    same | same_in_base)
      case $ROTV_LOCALE_PROVIDER in
        libc) printf '%s' "ENCODING :'encoding' $libc" ;;
        icu) printf '%s' "ENCODING :'encoding' LOCALE_PROVIDER icu ICU_LOCALE :'locale' " ;;
        builtin) printf '%s' "ENCODING :'encoding' LOCALE_PROVIDER builtin BUILTIN_LOCALE :'locale' " ;;
      esac
      [[ -z $ROTV_ICU_RULES ]] || printf '%s' "ICU_RULES :'rules' "
      if [[ $1 == same ]]; then printf '%s' "LC_COLLATE :'collate' LC_CTYPE :'ctype'"; else printf '%s' "LC_COLLATE :'base' LC_CTYPE :'base'"; fi
      ;;
    utf8) printf '%s' "ENCODING 'UTF8' ${libc}LC_COLLATE :'utf8_collate' LC_CTYPE :'utf8_ctype'" ;;
    near) printf '%s' "ENCODING :'encoding' LOCALE_PROVIDER icu ICU_LOCALE :'near' LC_COLLATE :'base' LC_CTYPE :'base'" ;;
    base) printf '%s' "ENCODING :'encoding' ${libc}LC_COLLATE :'base' LC_CTYPE :'base'" ;;
    plain) ;;
  esac
}

create_both() {  # WAY
  local base=C.UTF-8 options
  options=$(database_options "$1")
  # Block by block, by the WAL, takes twice as long.
  ((server_major < 15)) || options+=' STRATEGY file_copy'
  [[ ${ROTV_ENCODING:-UTF8} == UTF8 ]] || base=C
  as_superuser postgres -v user="$ROTV_DBUSER" -v name="$ROTV_DATABASE" -v test="${ROTV_DATABASE}_test" \
    -v encoding="${ROTV_ENCODING:-}" -v base="$base" \
    -v collate="${ROTV_COLLATE:-}" -v ctype="${ROTV_CTYPE:-}" -v locale="${ROTV_LOCALE:-}" \
    -v rules="${ROTV_ICU_RULES:-}" -v near="$(icu_name)" -v utf8_collate="${ROTV_COLLATE%%[.@]*}.UTF-8" \
    -v utf8_ctype="${ROTV_CTYPE%%[.@]*}.UTF-8" 2>"$scratch/sql" \
    <<<"CREATE DATABASE :\"name\" OWNER :\"user\" TEMPLATE template0 $options;
CREATE DATABASE :\"test\" OWNER :\"user\" TEMPLATE template0 $options;"
}

# Creates both databases in the best way that works here.
create_databases() {
  local way problem=''
  ROTV_COLLATE=${ROTV_COLLATE:-} ROTV_CTYPE=${ROTV_CTYPE:-} ROTV_LOCALE_PROVIDER=${ROTV_LOCALE_PROVIDER:-}
  ROTV_ICU_RULES=${ROTV_ICU_RULES:-}
  while IFS= read -r way; do
    ! create_both "$way" || break
    [[ -n $problem ]] || problem=$(head -n 1 "$scratch/sql")
    # Only a locale or an encoding has other ways.
    [[ $way != plain ]] || fail_full "the database cannot be created: $(head -n 1 "$scratch/sql")"
  done < <(database_ways)
  tell_way "$way" "${problem#*ERROR:  }"
}

locale_of_source() {
  case $ROTV_LOCALE_PROVIDER in
    libc) printf '%s' "$ROTV_COLLATE of libc" ;;
    icu) printf '%s' "$ROTV_LOCALE of ICU" ;;
    builtin) printf '%s' "$ROTV_LOCALE, PostgreSQL's own" ;;
  esac
  [[ $ROTV_LOCALE_PROVIDER != libc || $ROTV_CTYPE == "$ROTV_COLLATE" ]] || printf '%s' " (LC_CTYPE $ROTV_CTYPE)"
}

tell_way() {  # WAY ERROR
  local order='ORDER BY, comparisons, ranges and partitions of texts, upper() and lower() may differ'
  local install
  install="($(to_install_locale))"
  case $1 in
    same) compare_versions ;;
    same_in_base)
      differs "the source's database has LC_COLLATE $ROTV_COLLATE and LC_CTYPE $ROTV_CTYPE beside" \
        "$(locale_of_source): they are not here ($2). It sorts as on the source; what uses LC_CTYPE all the same" \
        "(text search, some extensions) may differ $install"
      ;;
    utf8)
      differs "the source's database is in $ROTV_ENCODING, with the locale $(locale_of_source), which is not here ($2):" \
        "this one is in UTF8, with ${ROTV_COLLATE%%[.@]*}.UTF-8. Lengths in bytes and server_encoding differ $install"
      ;;
    near)
      differs "the source's database sorts by $(locale_of_source), which is not here ($2): this one sorts by ICU's" \
        "$(icu_name), which is much the same. $order $install"
      ;;
    base)
      differs "the source's database sorts by $(locale_of_source), which is not here ($2): this one sorts by bytes." \
        "$order $install"
      ;;
    plain)
      [[ -z ${ROTV_SOURCE_VERSION:-} ]] ||
        differs "the source's database is in $ROTV_ENCODING and sorts by $(locale_of_source), which is not here ($2):" \
          "this one is in UTF8 and sorts by bytes. $order $install"
      ;;
  esac
}

# A library of another version may sort some texts otherwise.
compare_versions() {
  local ours
  [[ -n ${ROTV_COLLATION_VERSION:-} ]] && ((server_major >= 15)) || return 0
  ours=$(as_superuser postgres -v name="$ROTV_DATABASE" <<<"SELECT datcollversion FROM pg_database WHERE datname = :'name'")
  [[ -z $ours || $ours == "$ROTV_COLLATION_VERSION" ]] ||
    differs "the source sorts texts by $(locale_of_source) in version $ROTV_COLLATION_VERSION, this server in version" \
      "$ours: rare letters and signs may sort otherwise"
}

# --- Before the import: tablespaces, collations, settings.

# In place: in the cluster's own directory, wherever the source has them. Before 15 there are none, and the import leaves
# their names out.
make_tablespaces() {
  local name
  tablespaces=pg_default
  ((server_major >= 15)) || return 0
  while IFS= read -r name; do
    [[ -n $name && $name != pg_* ]] || continue
    if as_superuser postgres -v name="$name" -v user="$ROTV_DBUSER" >"$scratch/sql" 2>&1 <<'END'; then
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE :"name" LOCATION '';
GRANT CREATE ON TABLESPACE :"name" TO :"user";
END
      tablespaces+=$'\n'$name
    else
      differs "the tablespace $name cannot be made ($(error_in "$scratch/sql")): what is in it is in the default one"
    fi
  done <<<"${ROTV_TABLESPACES:-}"
}

# Collations that came with the source's operating system and objects use by name: where the locale is not here, one that
# sorts by bytes takes its name. Those that the schema itself makes are named in `missing_collations` (a line: schema, a
# tab, name), for the filter.
make_collations() {
  missing_collations=''
  [[ -n ${ROTV_COLLATIONS:-} ]] || return 0
  { cat "$here/collations.sql" && printf '%s\\.\n' "$ROTV_COLLATIONS" && printf '%s\n' 'SELECT * FROM pg_temp.make_collations();'; } \
    >"$scratch/collations.sql"
  missing_collations=$(as_superuser "$ROTV_DATABASE" -F $'\t' -f "$scratch/collations.sql" 2>"$scratch/sql") || {
    differs "the source's collations cannot be compared: $(error_in "$scratch/sql")"
    missing_collations=''
    return 0
  }
  local schema name locale
  while IFS=$'\t' read -r schema name locale; do
    [[ -n $name ]] || continue
    differs "the collation $schema.$name needs the locale $locale, which is not here: it sorts by bytes." \
      "($(to_install_locale))"
  done <<<"$missing_collations"
}

# Applies the settings to both databases: for the import too, as they were there when the source made its objects. An
# ordinary role does it wherever it may, so that what needs a superuser on the source needs one here.
apply_settings() {
  local problems line
  [[ -z ${ROTV_UNKNOWN_SETTINGS:-} ]] ||
    differs "settings of the source that are too long, or not in UTF-8, are left out: $ROTV_UNKNOWN_SETTINGS"
  [[ -n ${ROTV_SETTINGS:-} ]] || return 0
  { cat "$here/settings.sql" && printf '%s\\.\n' "$ROTV_SETTINGS" && printf '%s\n' 'SELECT * FROM pg_temp.apply_settings();'; } \
    >"$scratch/settings.sql"
  problems=$(as_superuser "$ROTV_DATABASE" -v user="$ROTV_DBUSER" -v test="${ROTV_DATABASE}_test" -v trust="$ROTV_TRUST" \
    -f "$scratch/settings.sql" 2>"$scratch/sql") || problems="the source's settings cannot be applied: $(error_in "$scratch/sql")"
  while IFS= read -r line; do [[ -z $line ]] || differs "$line"; done <<<"$problems"
}

error_in() {  # FILE
  local error
  error=$(grep -m 1 -E 'ERROR:|FATAL:' "$1" || head -n 1 "$1")
  printf '%s' "${error#*ERROR:  }"
}

# Sets `import_options`, PGOPTIONS for the import, which must not run under settings that end it; and `money_problem`, if
# amounts of money cannot be read: they are read in the format only in which they were written.
choose_import_options() {  # ROLE THAT CAN LOG IN
  local money=${ROTV_LC_MONETARY:-}
  import_options='-c default_transaction_read_only=off -c default_transaction_isolation=read\ committed -c statement_timeout=0'
  import_options+=' -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0'
  ((server_major < 17)) || import_options+=' -c transaction_timeout=0'
  money_problem=''
  # These are everywhere.
  [[ -n $money && $money != C && $money != POSIX && $money != C.* ]] || return 0
  money=${money//\\/\\\\} money=" -c lc_monetary=${money// /\\ }"
  if more_options=$money psql_as "$1" "$ROTV_DATABASE" -c '' >/dev/null 2>&1; then
    import_options+=$money
  else
    money_problem="amounts of money are in the format of $ROTV_LC_MONETARY (lc_monetary), a locale that is not here"
  fi
}
