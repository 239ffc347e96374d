# Divides a seed into parts that several connections import at once. Reads the outline of the seed (all but the rows),
# as seed_filter.awk has passed it on, and what that has noted: of each statement (PARTS_STATEMENTS) and of each COPY
# (PARTS_BLOCKS). Runs under LC_ALL=C.
#
# Only what pg_dump writes in its usual order is divided; a seed in which anything else is found is imported in its own
# order, by one connection: this ends with status 4 then. Order matters where one statement may see what another one has
# done. So rows are loaded in any order only where nothing of the seed runs meanwhile that could look at other tables,
# and indexes are built in any order only up to the first statement behind the rows that is not known to be harmless.
#
# Into the directory PARTS_DIRECTORY it writes
#   schema.sql     everything before the rows
#   settings.sql   the settings at its front, for every other connection
#   values.sql     sequences and large objects: needs schema.sql
#   dN.sql         of the task N that loads one large table: its COPY; dN.empty: the statement before it
#   dN.then        of the same task: the first constraint of its table that has an index; of the task N that loads several
#                  tables: all their indexes
#   iN.sql         one index, or one constraint that has an index
#   before.sql     the rest, up to the first foreign key: needs all above
#   fN.sql         a foreign key of a large table: needs before.sql
#   after.sql      the rest
#   lines          which line of these files is which line of the seed: FILE, LINE THERE, LINE IN THE SEED
#   tasks          a line for each task, columns separated by a space:
#                    data N CONNECTION one|several FROM BYTES LINE
#                    index N TABLE alone|shared WEIGHT   TABLE: the data task that must have ended; constraints of a
#                                                        table are made alone, indexes beside each other
#                    key N TABLE TABLE WEIGHT            the data tasks of the two tables that it locks
#                    early keys      before.sql may be left out: keys need their two tables only, and their indexes
#                    no after        after.sql may be left out
# PARTS_CONNECTIONS is the number of connections among which the rows are divided; PARTS_LARGE the least size of a table
# that is worth one of its own.

BEGIN {
  FS = "\t"
  directory = ENVIRON["PARTS_DIRECTORY"] "/"
  connections = ENVIRON["PARTS_CONNECTIONS"] + 0
  name_pattern = "(\"([^\"]|\"\")*\"|[A-Za-z0-9_\200-\377]+)"
  full_name = "^(" name_pattern "\\.)?" name_pattern
  read_blocks()
  # A table takes a connection of its own if it is large enough for what a connection costs.
  large = ENVIRON["PARTS_LARGE"] + 0
  if (total < large * 16) give_up("few rows")
  if (large < total / 64) large = total / 64
  stage = "schema"
  count = split("schema.sql settings.sql values.sql before.sql after.sql lines", files, " ")
  for (i = 1; i <= count; i++) printf "" >(directory files[i])
  part = "schema.sql"
  seen = 0
  blocks_passed = 0
  hidden = 0   # Lines of rows so far, which the outline lacks.
  while ((getline note <ENVIRON["PARTS_STATEMENTS"]) > 0) {
    split(note, columns, "\t")
    skip_to(columns[1] - 1)
    read_statement(columns[2])
    # A part of several tables is a piece of the seed as it is: rows and comments, and no other statement.
    if (columns[3] == "out" || columns[4] !~ /^COPY /) end_group()
    if (columns[3] != "out") take_statement(unescaped(columns[4]))
    else if (part == "schema.sql") write(part, text)  # Empty lines.
  }
  skip_to(-1)
  if (!from_pg_dump) give_up("not the first lines of pg_dump")
  if (!blocks_passed || blocks_passed != blocks) give_up("no rows")
  end_group()
  write_tasks()
  exit 0
}

function read_blocks(    line, columns) {
  while ((getline line <ENVIRON["PARTS_BLOCKS"]) > 0) {
    split(line, columns, " ")
    blocks++
    statement_at[blocks] = columns[1] + 0
    rows_at[blocks] = columns[2] + 0
    end_at[blocks] = columns[3] + 0
    statement_line[blocks] = columns[4] + 0
    end_line[blocks] = columns[5] + 0
    total += columns[3] - columns[2]
  }
}

function give_up(why) {
  print why >(directory "why")
  exit 4
}

# Passes on what is between statements, up to the given line of the outline, or to its end.
function skip_to(last,    line) {
  while (seen != last && (getline line) > 0) {
    first = ++seen
    if (line == "-- PostgreSQL database dump") from_pg_dump = 1
    if (line != "" && line !~ /^--/ && line != "\\.") end_group()
    if (line ~ /^\\restrict /) print line >(directory "settings.sql")
    if (line ~ /^SELECT pg_catalog\.lowrite/) {
      if (stage != "data") give_up("a large object outside of the rows")
      write("values.sql", line)
    } else if (part == "schema.sql") {
      write(part, line)
    }
  }
}

# Reads the statement that ends with the given line.
function read_statement(last,    line) {
  text = ""
  first = seen + 1
  while (seen < last && (getline line) > 0) {
    text = text (seen + 1 > first ? "\n" : "") line
    seen++
  }
}

# Writes a text that began in the line `first` of the outline.
function write(file, what,    at) {
  if (file == "schema.sql") { print what >(directory file); return }  # It has the seed's own lines.
  at = written[file] + 1
  print file, at, first + hidden >(directory "lines")
  print what >>(directory file)
  written[file] = at + gsub(/\n/, "\n", what)
  if (file !~ /^(values|before|after)/) close(directory file)
}

function table_of(rest) { return match(rest, full_name) ? substr(rest, 1, RLENGTH) : "" }

function take_statement(statement) {
  if (stage == "schema" && statement ~ /^(COPY |SELECT pg_catalog\.(setval|lo_open)\()/) stage = "data"
  if (statement ~ /^SET default_tablespace = /) tablespace = text
  if (statement ~ /^COPY /) { take_rows(statement); return }
  if (stage == "schema") { take_schema(statement); return }
  if (statement ~ /^SET default_table(space|_access_method) = /) {
    if (stage != "data") write(part, text)
    return
  }
  if (stage == "data") {
    if (statement ~ /^(SELECT pg_catalog\.(setval|lo_[a-z]+)\(|(ALTER|COMMENT ON) LARGE OBJECT )/) {
      write("values.sql", text)
      return
    }
    stage = "indexes"
    end_group()
    continue_in("before.sql")
  }
  if (statement ~ /^SET /) give_up("a setting behind the rows: " statement)
  if (stage == "indexes" && take_index(statement)) return
  if (take_key(statement)) return
  if (!is_harmless(statement)) stage = "rest"
  in_part[part] = 1
  write(part, text)
}

# Another connection has the settings of settings.sql and no other.
function continue_in(file) {
  part = file
  if (tablespace != "") write(part, tablespace)
}

# Statements that no index depends on, and that see no rows: indexes behind them in the seed may be built before them.
function is_harmless(statement) {
  return statement ~ /^(COMMENT ON (INDEX|CONSTRAINT|STATISTICS)|CREATE STATISTICS|ALTER STATISTICS|ALTER INDEX) / ||
         statement ~ /^ALTER TABLE .*(CLUSTER ON|REPLICA IDENTITY|ADD CONSTRAINT .* (PRIMARY KEY|UNIQUE|EXCLUDE)) / ||
         statement ~ /^CREATE (UNIQUE )?INDEX /
}

# --- Before the rows.

function take_schema(statement,    rest, name, i) {
  if (statement !~ /^(SET|SELECT pg_catalog\.[a-z_]+\(|CREATE|ALTER|COMMENT ON|GRANT|REVOKE|SECURITY LABEL) ?/)
    give_up("a statement that pg_dump does not write before rows")
  if (statement ~ /^CREATE (OR REPLACE )?(CONSTRAINT TRIGGER|TRIGGER|RULE|CAST|OPERATOR) /)
    give_up("rows that may depend on each other")
  if (statement ~ /^SET |^SELECT pg_catalog\.set_config\(/) {
    if (statement !~ /^SET default_table/ && !objects) print text >(directory "settings.sql")
    else if (statement !~ /^SET default_table/) give_up("a setting between objects")
  }
  if (statement ~ /^CREATE /) objects = 1
  rest = statement
  if (sub(/^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE) /, "", rest)) {
    name = table_of(rest)
    sub("^" name_pattern "\\.", "", name)
    functions[name "("] = 1
  }
  if (checks_rows(statement)) give_up("rows that are checked by a function")
  rest = statement
  if (sub(/^CREATE (UNLOGGED )?TABLE /, "", rest)) {
    name = table_of(rest)
    if (statement ~ /REFERENCES |\) AS /) give_up("a foreign key before rows")
    if (statement ~ /\)[ \n]*PARTITION BY /) is_parent[name] = 1
    else made[name] = 1
    if (match(rest, /\nINHERITS \(/)) {
      rest = substr(rest, RSTART + RLENGTH)
      do {
        is_parent[name = table_of(rest)] = 1
        rest = substr(rest, length(name) + 1)
      } while (name != "" && sub(/^, */, "", rest))
    }
  }
  if (statement ~ /^ALTER TABLE / && statement ~ /FOREIGN KEY|PRIMARY KEY|UNIQUE|EXCLUDE|TRIGGER|RULE/)
    give_up("constraints before rows")
  if (statement ~ /^ALTER TABLE .* INHERIT /) give_up("inheritance that is added")
  write(part, text)
}

# Whether a function of the seed runs when a row comes: it may look at other tables. A default does not run, since all
# columns are in the rows.
function checks_rows(statement,    lines, count, i, kept) {
  if (statement !~ /CHECK|GENERATED ALWAYS AS|PARTITION BY/) return 0
  count = split(statement, lines, "\n")
  for (i = 1; i <= count; i++)
    if (lines[i] !~ / DEFAULT / || lines[i] ~ /CHECK|GENERATED ALWAYS AS/) kept = kept lines[i] "\n"
  return calls_function(kept)
}

function calls_function(statement,    name, rest, at) {
  for (name in functions) {
    rest = statement
    while ((at = index(rest, name))) {
      if (at == 1 || substr(rest, at - 1, 1) !~ /[A-Za-z0-9_\200-\377]/) return 1
      rest = substr(rest, at + length(name))
    }
  }
  return 0
}

# --- Rows.

function take_rows(statement,    rest, name, bytes) {
  if (stage != "data") give_up("rows behind other statements")
  part = "values.sql"
  rest = substr(statement, 6)
  name = table_of(rest)
  if (name in is_parent && !(name in made)) give_up("rows of a partitioned table")
  bytes = end_at[++blocks_passed] - rows_at[blocks_passed]
  if (statement_line[blocks_passed] != first + hidden) give_up("another outline")
  # The outline has the line that ends the rows.
  hidden += end_line[blocks_passed] - statement_line[blocks_passed] - (seen - first) - 1
  if (name in data_of) give_up("rows of one table in two places")
  if (!(name in made)) {
    # A table of an extension, whose rows may already be there, and whose keys are: in the seed's order.
    end_group()
    data_of[name] = new_data("several", blocks_passed, 1)
  } else if (bytes >= large) {
    end_group()
    data_of[name] = new_data("one", blocks_passed, 0)
    is_large[name] = 1
    print "TRUNCATE TABLE ONLY " name ";" >(directory "d" data ".empty")
    close(directory "d" data ".empty")
    print frozen(text) >(directory "d" data ".sql")
    close(directory "d" data ".sql")
  } else {
    if (!group || end_at[blocks_passed] - data_at[group] > large * 2 || group_tables >= 100) {
      end_group()
      group = new_data("several", blocks_passed, 0)
    }
    group_tables++
    emptied = emptied (emptied == "" ? "" : ", ONLY ") name
    data_of[name] = group
    data_end[group] = end_at[blocks_passed]
  }
  add_weight(data_of[name], blocks_passed)
}

# Rows that are final when they are written: else the first that reads them (an index, a count) would write all of their
# pages again. Their table was emptied in the same transaction, which this needs.
function frozen(copy) {
  sub(/ FROM stdin;$/, " FROM stdin WITH (FREEZE);", copy)
  return copy
}

function new_data(kind, block, connection) {
  data++
  data_kind[data] = kind
  data_at[data] = kind == "one" ? rows_at[block] : statement_at[block]
  data_end[data] = end_at[block]
  data_line[data] = statement_line[block]
  data_connection[data] = connection
  return data
}

# What the rows of a block cost, as bytes: a row costs as much as many bytes of it.
function add_weight(task, block) {
  data_weight[task] += end_at[block] - rows_at[block] + 150 * (end_line[block] - statement_line[block])
}

function end_group() {
  if (group) {
    print "TRUNCATE TABLE ONLY " emptied ";" >(directory "d" group ".empty")
    close(directory "d" group ".empty")
  }
  group = group_tables = 0
  emptied = ""
}

# --- Indexes and keys.

function with_tablespace() { return (tablespace == "" ? "" : tablespace "\n") text }

# Returns false if the statement is not the one of an index that may be built now.
function take_index(statement,    rest, name, mode) {
  rest = statement
  if (statement ~ /^ALTER TABLE ONLY .*\n    ADD CONSTRAINT .* (PRIMARY KEY|UNIQUE|EXCLUDE) /) {
    if (statement ~ / USING INDEX [^T]/) return 0
    sub(/^ALTER TABLE ONLY /, "", rest)
    mode = "alone"
  } else if (sub("^CREATE (UNIQUE )?INDEX " name_pattern " ON ", "", rest)) {
    mode = "shared"
  } else {
    return 0
  }
  name = table_of(rest)
  if (!(name in made) || !(name in data_of) || name in is_parent) return 0
  if (calls_function(statement)) return 0  # It may look at other tables, whose rows come meanwhile.
  # A large table's first constraint is made by the connection that has loaded it, which would be idle for as long as it
  # takes to start another one.
  if (!(name in is_large) || (mode == "alone" && !(name in has_first))) {
    has_first[name] = 1
    write("d" data_of[name] ".then", with_tablespace())
    return 1
  }
  write("i" (++indexes) ".sql", with_tablespace())
  index_task[indexes] = "index " indexes " " data_of[name] " " mode " " weight(data_of[name])
  return 1
}

function weight(task) { return sprintf("%.0f", data_weight[task]) }

function take_key(statement,    rest, name, other) {
  if (statement !~ /^ALTER TABLE (ONLY )?.*\n    ADD CONSTRAINT .* FOREIGN KEY /) return 0
  if (part != "after.sql") continue_in("after.sql")
  stage = "rest"
  rest = statement
  if (!sub(/^ALTER TABLE ONLY /, "", rest)) return 0
  name = table_of(rest)
  if (!match(rest, / REFERENCES /)) return 0
  other = table_of(substr(rest, RSTART + RLENGTH))
  if (!(name in is_large) || !(other in made) || !(other in data_of)) return 0
  if (other in is_parent || name in is_parent) return 0
  write("f" (++keys) ".sql", text)
  key_task[keys] = "key " keys " " data_of[name] " " data_of[other] " " weight(data_of[name])
  return 1
}

# --- Tasks.

# Gives the largest part to the connection that has least, and so on. Each connection reads its parts in the order of
# the seed, since a file that another user has opened can only be read onwards.
function write_tasks(    i, best, connection, load, slot) {
  for (i = 1; i <= data; i++) if (data_connection[i]) load[data_connection[i]] += data_weight[i]
  while (1) {
    best = 0
    for (i = 1; i <= data; i++)
      if (!data_connection[i] && (!best || data_weight[i] > data_weight[best])) best = i
    if (!best) break
    connection = 1
    for (slot = 2; slot <= connections; slot++) if (load[slot] + 0 < load[connection] + 0) connection = slot
    data_connection[best] = connection
    load[connection] += data_weight[best]
  }
  for (i = 1; i <= data; i++)
    printf "data %d %d %s %.0f %.0f %d\n", i, data_connection[i], data_kind[i], data_at[i], data_end[i] - data_at[i],
      data_line[i] >(directory "tasks")
  for (i = 1; i <= indexes; i++) print index_task[i] >(directory "tasks")
  for (i = 1; i <= keys; i++) print key_task[i] >(directory "tasks")
  if (!("before.sql" in in_part)) print "early keys" >(directory "tasks")
  if (!("after.sql" in in_part)) print "no after" >(directory "tasks")
}

# Undoes escaped() of seed_filter.awk.
function unescaped(value,    at, result, byte) {
  while ((at = index(value, "\\"))) {
    byte = substr(value, at + 1, 1)
    result = result substr(value, 1, at - 1) (byte == "t" ? "\t" : byte == "n" ? "\n" : byte == "r" ? "\r" : byte)
    value = substr(value, at + 2)
  }
  return result value
}
