#!/bin/bash
# Captures the input of the decoders' tests from a real server, into this folder. The server is named by libpq's
# variables (PGHOST, PGPORT, PGUSER) and must be expendable: it needs wal_level = logical and
# track_commit_timestamp = on, and loses every database named rotv_capture. pg_dump must be its own version or newer.
set -euo pipefail
cd "$(dirname "$0")"
export PGDATABASE=rotv_capture

fresh_database() {
  psql -qX -d postgres -c 'DROP DATABASE IF EXISTS rotv_capture' \
    -c "CREATE DATABASE rotv_capture TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING '$1'" 2>/dev/null
}

# Takes the two dumps that a baseline takes, and the one that a seed must equal.
capture_dumps() {
  local options=(--no-owner --no-acl --no-publications --no-subscriptions)
  pg_dump "${options[@]}" --section=pre-data --section=post-data --clean --if-exists >"$1.all.sql"
  pg_dump "${options[@]}" --section=post-data >"$1.post.sql"
  pg_dump "${options[@]}" --clean --if-exists >"$1.full.sql"
}

fresh_database UTF8
psql -qX -v ON_ERROR_STOP=1 -At -F ' ' -f pgoutput.sql >pgoutput.hex

# Every byte but zero, one per row: SQL_ASCII accepts them all.
fresh_database SQL_ASCII
psql -qX -c 'COPY (SELECT chr(i) FROM generate_series(1, 255) AS i) TO STDOUT' | od -An -v -tx1 -w32 | tr -d ' ' >copy_bytes.hex

fresh_database UTF8
capture_dumps empty
psql -qX -c 'CREATE TABLE t (a int); INSERT INTO t VALUES (2), (1)'
capture_dumps no_post_data

fresh_database UTF8
psql -qX -v ON_ERROR_STOP=1 -f dump.sql
capture_dumps inconvenient
# The last table before the rows is in another tablespace, so that the dump has to reset the setting after it.
psql -qX -v ON_ERROR_STOP=1 -c 'SET allow_in_place_tablespaces = on' -c "CREATE TABLESPACE rotv_capture LOCATION ''" \
  -c 'CREATE TABLE z_elsewhere (id int) TABLESPACE rotv_capture'
capture_dumps tablespace
psql -qX -c 'DROP TABLE z_elsewhere' -c 'DROP TABLESPACE rotv_capture'

# A trigger needs neither a tablespace nor an access method.
fresh_database UTF8
psql -qX -v ON_ERROR_STOP=1 -c 'CREATE TABLE t (a int)' -c 'CREATE TRIGGER t BEFORE UPDATE ON t FOR EACH ROW
  EXECUTE FUNCTION suppress_redundant_updates_trigger()'
capture_dumps only_trigger
psql -qX -d postgres -c 'DROP DATABASE rotv_capture'
