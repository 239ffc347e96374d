# shellcheck shell=bash
# Where PostgreSQL's programs are: the rule of os/postgres_programs.h.

# Prints the directory of initdb: that of PATH, else that of the newest version that packages have installed. Prints
# nothing and fails if there is none.
find_postgres_programs() {
  local first
  if ! first=$(command -v initdb); then
    # The newest version is taken; versions are compared as numbers: 9.6 before 15.
    first=$({ compgen -G '/usr/lib/postgresql/*/bin/initdb' || compgen -G '/usr/pgsql-*/bin/initdb'; } |
      sort -V | tail -n 1)
    [[ -n $first ]] || return 1
  fi
  dirname "$(realpath "$first")"  # Resolves a link to initdb alone.
}
