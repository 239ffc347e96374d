# Reads a seed, the text of pg_dump, statement by statement, like psql does. Runs under LC_ALL=C: a character is a byte.
#
# FILTER_MODE=plan: writes what the superuser has to create before the import, and ends at the first rows. Each line is
# in COPY's text format: number, `extension`, its name, its schema; or number, `comment`, its name, the comment.
#
# FILTER_MODE=import: writes the statements that the database's owner runs. What is left out becomes empty lines, so
# that psql's line numbers are those of the file. Left out are extensions (they exist by then), the DROPs of --clean,
# and, unless FILTER_TRUST is `yes`, what only a superuser may create: each is named in a line of the file
# FILTER_LEFT_OUT. FILTER_LANGUAGES are the languages in which an ordinary role may write functions.
#
# FILTER_MODE=outline: writes all but the rows, unchanged, and for each COPY a line to the file FILTER_BLOCKS: where its
# statement begins in the seed, where its rows begin, where they end (bytes), the same as numbers of lines: of the
# statement's first line, of the rows' end. Ends with status 4 if the outline has more than FILTER_MOST bytes.
#
# In the mode `import`, each statement is noted in the file FILTER_STATEMENTS, if that is set: its first and last line,
# `out` if it was left out, and the statement without comments and literals, escaped like a value of COPY.
#
# Statements are fitted to the server: FILTER_SERVER is its major version, FILTER_TABLESPACES the tablespaces that it has
# (others become the default one), FILTER_COLLATIONS the collations whose locale it lacks (a line: schema, tab, name),
# which become ones that sort by bytes. FILTER_SKIPPING is `yes` if extensions were left out on purpose: then so are
# rows of tables that the seed has not made.
#
# The owner's rights decide what its statements may do; this filter never does. But it passes on no text that psql could
# take for a meta-command: it refuses a backslash outside of literals, rows that psql would read as statements, and a
# literal whose end depends on standard_conforming_strings. It then ends with status 3 and writes the reason to the file
# FILTER_REFUSED.

BEGIN {
  planning = ENVIRON["FILTER_MODE"] == "plan"
  outlining = ENVIRON["FILTER_MODE"] == "outline"
  silent = planning || outlining
  notes = ENVIRON["FILTER_STATEMENTS"]
  trusting = ENVIRON["FILTER_TRUST"] == "yes"
  count = split(ENVIRON["FILTER_LANGUAGES"], names, "\n")
  for (i = 1; i <= count; i++) allowed_language[names[i]] = 1
  server = ENVIRON["FILTER_SERVER"] + 0
  skipping = ENVIRON["FILTER_SKIPPING"] == "yes"
  count = split(ENVIRON["FILTER_TABLESPACES"], names, "\n")
  for (i = 1; i <= count; i++) has_tablespace[names[i]] = 1
  count = split(ENVIRON["FILTER_COLLATIONS"], names, "\n")
  for (i = 1; i <= count; i++) if (split(names[i], parts, "\t") > 1) lacks_locale[parts[1] "\t" parts[2]] = 1
  # The bytes that end a run of ordinary text. The name or word before a quote decides what the quote begins.
  special = "['\"$;()\\\\/-]"
  word_byte = "[A-Za-z0-9_$\200-\377]"
  name_pattern = "(\"([^\"]|\"\")*\"|[A-Za-z0-9_\200-\377]+)"
  kinds = "^(EVENT TRIGGER|FOREIGN DATA WRAPPER|FOREIGN TABLE|SERVER|USER MAPPING|ACCESS METHOD|TRANSFORM|SUBSCRIPTION|" \
    "OPERATOR CLASS|OPERATOR FAMILY|TEXT SEARCH TEMPLATE|TEXT SEARCH PARSER|LANGUAGE) "
  # psql recognises a statement whose body may have semicolons like this.
  space = "[ \\t\\r\\f\\v\\n]"
  routine = "^" space "*[Cc][Rr][Ee][Aa][Tt][Ee]" space "+([Oo][Rr]" space "+[Rr][Ee][Pp][Ll][Aa][Cc][Ee]" space "+)?" \
    "([Ff][Uu][Nn][Cc][Tt][Ii][Oo][Nn]|[Pp][Rr][Oo][Cc][Ee][Dd][Uu][Rr][Ee])"
  # Most kinds of objects that may depend on a function that was left out.
  users = "^(TRIGGER|CONSTRAINT TRIGGER|OPERATOR|AGGREGATE|CAST|EVENT TRIGGER) "
}

outlining { position += length($0) + 1 }

# Rows are passed on unchanged. psql takes both lines for the end.
outlining && copying {
  if ($0 != "\\." && $0 != "\\.\r") next
  print
  printf "%.0f %.0f %.0f %.0f %.0f\n", statement_at, rows_at, position, statement_line, NR >ENVIRON["FILTER_BLOCKS"]
  copying = 0
  next
}

outlining {
  outlined += length($0) + 1
  if (outlined > ENVIRON["FILTER_MOST"]) { failed = 1; exit 4 }
  print
}

copying {
  if (copying != "left out") print
  else print ""
  if ($0 == "\\." || $0 == "\\.\r") copying = 0
  next
}

!in_statement && (/^--/ || $0 == "") {
  if (/^-- Name: /) { in_entry = objects_began = 1; entry_is_left_out = 0 }
  if (/^-- PostgreSQL database dump$/) from_pg_dump = 1
  emit($0)
  next
}

# A chunk of a large object is passed on.
!in_statement && /^SELECT pg_catalog\.lowrite\(0, '\\x[0-9a-f]*'\);$/ { emit($0); next }

!in_statement && /^\\(un)?restrict [A-Za-z0-9]+$/ { emit($0); next }

{
  if (!in_statement) start_statement()
  take($0)
  if (ended && state == "") finish_statement()
}

END {
  if (failed) exit
  if (in_statement && !silent) print_statement()  # psql sends it, and the server reports what is missing.
}

function emit(line) { if (!silent) print line }

function start_statement() {
  in_statement = 1
  statement_line = NR
  statement_at = position - length($0) - 1
  text = ""
  kept = 0
  bare = ""          # The statement without comments, and with '' for every literal; names in quotes are as they are.
  lines = 0
  ended = 0          # The statement's semicolon was seen.
  parentheses = 0
  begins = 0         # Depth in a function's SQL body: BEGIN ATOMIC ... END.
  after_literal = 0  # Only white space came since a literal.
}

# Takes the next line of the statement. The text to pass on is in `kept_text` and, for the current line, in `text`: awk
# copies a string when it appends to it, so strings are kept short. `bare` is the statement to be judged.
function take(line,    at, byte, rest, tag) {
  if (lines++) {
    if (state == "'") { keep_literal(); literal = "\n" }
    else { keep_text(); text = "\n" }
    if (state == "" || state == "\"") bare = bare "\n"
  }
  rest = line
  while (rest != "") {
    if (state != "") { rest = take_quoted(rest); continue }
    at = match(rest, special)
    if (!at) { take_words(rest); return }
    if (at > 1) take_words(substr(rest, 1, at - 1))
    byte = substr(rest, at, 1)
    rest = substr(rest, at)
    if (byte == "-" || byte == "/") {
      if (substr(rest, 1, 2) == "--") { text = text rest; return }
      if (substr(rest, 1, 2) == "/*") { text = text "/*"; state = "/*"; comments = 1; rest = substr(rest, 3); continue }
    } else if (byte == "'") {
      start_literal()
      rest = substr(rest, 2)
      continue
    } else if (byte == "$" && last_byte() ~ word_byte) {
      refuse("a dollar within a word")
    } else if (byte == "$" && match(rest, /^\$([A-Za-z_\200-\377][A-Za-z0-9_\200-\377]*)?\$/)) {
      tag = substr(rest, 1, RLENGTH)
      require_statement_goes_on()
      state = tag
      text = text tag
      rest = substr(rest, RLENGTH + 1)
      continue
    } else if (byte == "\"") {
      require_statement_goes_on()
      state = "\""
    } else if (byte == "\\") {
      refuse("a command of psql")
    } else if (byte == "(") {
      parentheses++
    } else if (byte == ")") {
      if (parentheses > 0) parentheses--
    } else if (byte == ";") {
      require_statement_goes_on()
      if (parentheses == 0 && begins == 0) ended = 1
    }
    add(byte)
    rest = substr(rest, 2)
  }
}

function add(words) {
  if (words ~ /[^ \t\r\f\v]/) { after_literal = 0; if (words != ";") require_statement_goes_on() }
  text = text words
  bare = bare words
}

function keep_text() { kept_text[++kept] = text; text = "" }

function keep_literal() { literal_text[++literal_lines] = literal; literal = "" }

function print_statement(    i) {
  for (i = 1; i <= kept; i++) printf "%s", kept_text[i]
  print text
}

function whole_statement(    i, whole) {
  for (i = 1; i <= kept; i++) whole = whole kept_text[i]
  return whole text
}

function last_byte() { return substr(text, length(text)) }

# The filter would take two statements in one line for one.
function require_statement_goes_on() { if (ended) refuse("two statements in one line") }

# psql counts BEGIN, CASE and END of functions, outside of parentheses.
function take_words(words,    rest, word) {
  add(words)
  if (parentheses || bare !~ routine) return
  rest = words
  while (match(rest, /[A-Za-z0-9_\200-\377]+/)) {
    word = toupper(substr(rest, RSTART, RLENGTH))
    rest = substr(rest, RSTART + RLENGTH)
    # Versions of psql disagree about such words.
    if (word ~ /^[0-9].*(BEGIN|CASE|END)$/) refuse("a word that begins with digits")
    if (word == "BEGIN" || (word == "CASE" && begins)) begins++
    else if (word == "END" && begins) begins--
  }
}

function start_literal(    before) {
  require_statement_goes_on()
  # psql and the server would read the second literal by the rules of the first.
  if (after_literal) refuse("two literals in a row")
  before = substr(text, length(text) - 1)
  bare = bare "''"
  if (before ~ /(^|[^A-Za-z0-9_$\200-\377])[Ee]$/) { state = "E'"; text = text "'"; return }
  if (before ~ /[Uu]&$/) refuse("a literal of Unicode escapes")
  state = backslash_escapes ? "E'" : "'"
  literal = ""
  literal_lines = 0
  if (backslash_escapes) text = text " E'"
}

# Takes the text up to the end of what is quoted, or to the end of the line; returns the rest.
function take_quoted(rest,    at, piece) {
  if (state == "'") return take_literal(rest)
  if (state == "E'") return take_escaped(rest)
  if (state == "/*") return take_comment(rest)
  at = index(rest, state)
  if (!at) { text = text rest; if (state == "\"") bare = bare rest; return "" }
  piece = substr(rest, 1, at - 1 + length(state))
  text = text piece
  if (state == "\"") bare = bare piece
  else { bare = bare "''"; after_literal = 0 }
  state = ""
  return substr(rest, length(piece) + 1)
}

# Takes a literal; a doubled quote does not end it. A literal with a backslash is written so that it means the same
# under every setting: a function that the import runs can change the setting, and with it the place where psql sees the
# end.
function take_literal(rest,    at, i, escapes) {
  while ((at = index(rest, "'")) && substr(rest, at + 1, 1) == "'") {
    literal = literal substr(rest, 1, at + 1)
    rest = substr(rest, at + 2)
  }
  if (!at) { literal = literal rest; return "" }
  literal = literal substr(rest, 1, at - 1)
  keep_literal()
  for (i = 1; i <= literal_lines && !escapes; i++) escapes = index(literal_text[i], "\\")
  text = text (escapes ? " E'" : "'")
  for (i = 1; i <= literal_lines; i++) {
    text = text (escapes ? replaced(literal_text[i], "\\", "\\\\") : literal_text[i])
    keep_text()
  }
  text = "'"
  state = ""
  after_literal = 1
  return substr(rest, at + 1)
}

function take_escaped(rest,    at) {
  while ((at = match(rest, /['\\]/)) && (substr(rest, at, 1) == "\\" || substr(rest, at + 1, 1) == "'")) {
    text = text substr(rest, 1, at + 1)
    rest = substr(rest, at + 2)
  }
  if (!at) { text = text rest; return "" }
  text = text substr(rest, 1, at)
  state = ""
  after_literal = 1
  return substr(rest, at + 1)
}

function take_comment(rest,    at) {
  while (comments && (at = match(rest, /\/\*|\*\//))) {
    comments += substr(rest, at, 1) == "/" ? 1 : -1
    text = text substr(rest, 1, at + 1)
    rest = substr(rest, at + 2)
  }
  if (!comments) { state = ""; bare = bare " "; return rest }
  text = text rest
  return ""
}

function refuse(what) {
  print "line " NR ": " what >ENVIRON["FILTER_REFUSED"]
  failed = 1
  exit 3
}

function finish_statement(    statement, left_out_now) {
  statement = bare
  gsub(/^[ \t\n]+|[ \t\n]+$/, "", statement)
  follow_settings(statement)
  if (toupper(substr(statement, 1, 4)) == "COPY") start_rows(statement)
  else if (planning) plan(statement)
  else if (outlining) { }
  else if (left_out_now = is_left_out(statement)) blank()
  else if (statement ~ /^SET default_tablespace = ["A-Za-z0-9_\200-\377]/ && !(take_name(substr(statement, 26)) in has_tablespace)) {
    emit("SET default_tablespace = '';")
  } else {
    if (statement ~ /^CREATE COLLATION /) fit_collation(statement)
    if (skipping) note_made(statement)
    if (statement ~ ("^CREATE SCHEMA " name_pattern ";$")) sub(/CREATE SCHEMA /, "&IF NOT EXISTS ", text)
    print_statement()
  }
  if (notes != "") print statement_line "\t" NR "\t" (left_out_now ? "out" : "") "\t" escaped(statement) >notes
  in_statement = 0
}

function blank(    i) { for (i = 0; i < lines; i++) print "" }

function follow_settings(statement) {
  if (toupper(statement) !~ /^SET (SESSION )?(STANDARD_CONFORMING_STRINGS|CLIENT_ENCODING)/) return
  if (statement ~ /^SET standard_conforming_strings = (on|off);$/) backslash_escapes = statement ~ /off/
  else if (statement !~ /^SET client_encoding = '';$/) refuse("an unusual setting: " statement)
  # In these encodings a byte of a character may look like a quote.
  else if (toupper(whole_statement()) ~ /SJIS|SHIFT|BIG5|GBK|UHC|GB18030|JOHAB/) refuse("a client encoding that no server has")
}

# psql reads rows whenever the server asks for them, so every COPY has to be recognised here.
function start_rows(statement) {
  if (statement !~ /^COPY .* FROM stdin;$/) refuse("a COPY that pg_dump does not write")
  if (planning) exit
  if (outlining) { rows_at = position; copying = 1; return }
  # With rows of a table that is not there, psql would take them for statements.
  if (skipping && !(table_of(substr(statement, 6)) in made)) {
    blank()
    copying = "left out"
    return
  }
  print_statement()
  copying = 1
}

# Returns the quoted name at the front of `rest`, with its schema.
function table_of(rest) { return match(rest, "^(" name_pattern "\\.)?" name_pattern) ? substr(rest, 1, RLENGTH) : "" }

# Notes the tables and sequences that the seed makes.
function note_made(statement,    rest) {
  rest = statement
  if (sub(/^CREATE (UNLOGGED |FOREIGN )?(TABLE|SEQUENCE) /, "", rest)) made[table_of(rest)] = 1
  else if (match(statement, /SEQUENCE NAME /)) made[table_of(substr(statement, RSTART + RLENGTH))] = 1
}

function fit_collation(statement,    rest, schema, name) {
  rest = substr(statement, 18)
  if (!match(rest, "^" name_pattern "\\.")) return
  schema = substr(rest, 1, RLENGTH - 1)
  rest = substr(rest, RLENGTH + 1)
  name = table_of(rest)
  if (!((take_name(schema) "\t" take_name(name)) in lacks_locale)) return
  kept = 0
  text = "CREATE COLLATION " schema "." name " FROM pg_catalog.\"C\";"
}

# --- What the superuser creates.

function plan(statement,    rest, name, whole) {
  rest = statement
  if (sub(/^CREATE EXTENSION (IF NOT EXISTS )?/, "", rest)) {
    name = take_name(rest)
    sub(/^.* WITH SCHEMA /, "", rest)
    print ++planned "\textension\t" escaped(name) "\t" escaped(rest ~ ("^" name_pattern ";$") ? take_name(rest) : "")
  } else if (sub(/^COMMENT ON EXTENSION /, "", rest) && match(whole = whole_statement(), / IS +E?'.*';$/)) {
    rest = substr(whole, RSTART, RLENGTH - 2)
    sub(/^ IS +/, "", rest)
    # Undoes what take_literal() did.
    if (sub(/^E/, "", rest)) gsub(/\\\\/, "\\", rest)
    rest = substr(rest, 2)
    gsub(/''/, "'", rest)
    print ++planned "\tcomment\t" escaped(take_name(substr(statement, 22))) "\t" escaped(rest)
  }
}

# Returns the name that `rest` begins with, without quotes.
function take_name(rest) {
  if (!match(rest, "^" name_pattern)) return ""
  rest = substr(rest, 1, RLENGTH)
  if (rest !~ /^"/) return rest
  rest = substr(rest, 2, length(rest) - 2)
  gsub(/""/, "\"", rest)
  return rest
}

# Escapes a value for a row of COPY.
function escaped(value) {
  value = replaced(value, "\\", "\\\\")
  value = replaced(value, "\t", "\\t")
  value = replaced(value, "\n", "\\n")
  return replaced(value, "\r", "\\r")
}

# Replaces every `byte`. gsub is not used, because awks differ in what its backslashes mean.
function replaced(value, byte, by,    at, result) {
  while ((at = index(value, byte))) {
    result = result substr(value, 1, at - 1) by
    value = substr(value, at + 1)
  }
  return result value
}

# --- What is left out.

function is_left_out(statement,    rest) {
  if (statement ~ /^(CREATE|COMMENT ON|ALTER) EXTENSION /) return 1
  if (server && server < 17 && statement == "SET transaction_timeout = 0;") return 1
  # A sequence of an extension that was left out.
  if (skipping && statement ~ /^SELECT pg_catalog\.setval\(/ && !(sequence_of(whole_statement()) in made)) return 1
  if (from_pg_dump && statement ~ /^(BEGIN|COMMIT);$/) return 1  # Around large objects; the import is one transaction.
  # Statements before the first object remove what --clean wants removed; in an empty database there is nothing to
  # remove.
  if (from_pg_dump && !objects_began &&
      statement ~ /^((DROP|ALTER|CREATE OR REPLACE VIEW|DO) |SELECT pg_catalog\.lo_unlink\()/) return 1
  if (statement ~ /^CREATE /) objects_began = 1
  if (trusting) return 0
  if (entry_is_left_out && statement !~ /^(SET|SELECT) /) return 1  # What pg_dump writes for the same object.
  rest = statement
  if (sub(/^ALTER TABLE .* ATTACH PARTITION /, "FOREIGN TABLE ", rest) || sub(/^COMMENT ON COLUMN /, "FOREIGN TABLE ", rest))
    return object(rest) in left_out
  if (sub(/^(COMMENT ON|ALTER|SECURITY LABEL .* ON) /, "", rest)) return object(rest) in left_out
  if (!sub(/^CREATE (OR REPLACE )?(TRUSTED )?(PROCEDURAL )?/, "", rest)) return 0
  if (!needs_superuser(rest) && !uses_left_out(rest)) return 0
  entry_is_left_out = in_entry
  leave_out(object(rest))
  return 1
}

function needs_superuser(rest,    language) {
  if (rest ~ kinds) return 1
  if (rest ~ /^(FUNCTION|PROCEDURE) /) {
    if (rest ~ /\n    .*(LEAKPROOF| SUPPORT )/) return 1
    if (!match(rest, "(\n| )LANGUAGE " name_pattern)) return 0
    language = substr(rest, RSTART + 10, RLENGTH - 10)
    return !(take_name(language) in allowed_language)
  }
  if (rest ~ /^TYPE /) return rest ~ ("^TYPE (" name_pattern "\\.)?" name_pattern "( \\(|;)")
  if (rest ~ /^CAST /) return rest ~ / WITHOUT FUNCTION/
  if (rest ~ /^AGGREGATE /) return rest ~ /STYPE = internal/
  return rest ~ /^PUBLICATION / && rest ~ /FOR ALL TABLES|TABLES IN SCHEMA/
}

# pg_dump writes the quoted name as a literal.
function sequence_of(statement) {
  if (!match(statement, /setval\('/)) return ""
  statement = substr(statement, RSTART + RLENGTH)
  gsub(/''/, "'", statement)
  return table_of(statement)
}

function uses_left_out(rest,    name, at) {
  if (rest !~ users) return 0
  for (name in left_out_function) {
    at = index(rest, " " name)
    if (at && substr(rest, at + 1 + length(name), 1) !~ word_byte) return 1
  }
  return 0
}

# Returns the kind and name by which a statement names an object: "FUNCTION public.f", "EVENT TRIGGER guard".
function object(rest,    kind) {
  if (match(rest, /^[A-Z]+( [A-Z]+)* /)) { kind = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1) }
  if (rest ~ /^\(/) sub(/\).*/, ")", rest)
  else if (kind ~ /^(USER MAPPING FOR|TRANSFORM FOR)/) sub(/ (OPTIONS|\().*|;$/, "", rest)
  else if (kind != "OPERATOR " && match(rest, "^(" name_pattern "\\.)?" name_pattern)) rest = substr(rest, 1, RLENGTH)
  else sub(/[ (;].*/, "", rest)
  gsub(/[\001-\037\177]/, " ", rest)
  return kind rest
}

function leave_out(name) {
  left_out[name] = 1
  print name >ENVIRON["FILTER_LEFT_OUT"]
  if (name ~ /^(FUNCTION|PROCEDURE) /) { sub(/^[A-Z]+ /, "", name); left_out_function[name] = 1 }
}
