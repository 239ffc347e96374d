#include "tests/support/servers/oracle.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "fmt/format.h"
#include "sync/formats/dump_sections.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {
namespace {

constexpr size_t kContextLines = 4;
constexpr size_t kLineBytes = 400;

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

// A line may be a picture of a megabyte: only the part where it begins to differ is shown.
std::string Excerpt(std::string_view line, size_t from) {
  const size_t begin = from > kLineBytes / 2 ? from - kLineBytes / 2 : 0;
  const std::string_view part = line.substr(std::min(begin, line.size()), kLineBytes);
  return fmt::format(
      "{}{}{}", begin > 0 ? fmt::format("[{} bytes] ", begin) : "", part,
      begin + part.size() < line.size() ? fmt::format(" [{} more bytes]", line.size() - begin - part.size()) : "");
}

std::string Surroundings(const std::vector<std::string_view>& lines, size_t at, size_t column) {
  std::string text;
  const size_t begin = at > kContextLines ? at - kContextLines : 0;
  for (size_t i = begin; i < std::min(lines.size(), at + kContextLines + 1); ++i) {
    text += fmt::format("  {} {:>7} {}\n", i == at ? ">" : " ", i + 1, Excerpt(lines[i], i == at ? column : 0));
  }
  if (at >= lines.size()) text += "  > (the end)\n";
  return text;
}

// The COPY or statement that contains a line, to show in a failure.
std::string_view Block(const std::vector<std::string_view>& lines, size_t at) {
  for (size_t i = std::min(at, lines.size()); i-- > 0;) {
    if (lines[i] == "\\.") return "";
    if (lines[i].starts_with("COPY ") && lines[i].ends_with("FROM stdin;")) return lines[i];
  }
  return "";
}

// Where seeds are imported.
struct Target {
  explicit Target(int version)
      : server({.version = version,
                .settings = {{"wal_level", "minimal"}, {"max_wal_senders", "0"}},
                .place = DataPlace::kOnTmpfs}),
        session(server.NewConnection({"postgres", "postgres"})) {}

  PostgresServer server;
  Connection session;                        // Kept: a new one takes as long as a small import.
  std::map<std::string, std::string> empty;  // Databases that stay empty, by the options that they were made with.
};

// A server of the version of the pg_dump beside the source, whose text an older server may refuse: as a rule the
// source's version, since a newer server would dump the same database in other words.
Target& ImportTarget(int version) {
  constexpr int kWithProgramsOf17 = 16;  // postgres_versions.sh
  if (version == kWithProgramsOf17) version = 17;
  static std::map<int, std::unique_ptr<Target>> targets;
  std::unique_ptr<Target>& target = targets[version];
  // A server ends with the thread that has started it.
  if (target != nullptr && !target->server.Running()) target.reset();
  if (target == nullptr) target = std::make_unique<Target>(version);
  return *target;
}

// Policies and grants name roles; the seed does not create them.
void CopyRoles(Connection& source, Connection& target) {
  const std::string sql = "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'";
  const Rows known = target.Query(sql);
  for (const Row& row : source.Query(sql)) {
    if (std::find(known.begin(), known.end(), row) == known.end()) target.Exec("CREATE ROLE " + SqlName(*row[0]));
  }
}

// CREATE DATABASE's options for a copy of `database`: the same encoding and collation.
std::string DatabaseOptions(Connection& source, int version, const std::string& database) {
  const Rows rows = source.Query(
      fmt::format("SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = {}",
                  SqlLiteral(database)));
  // Files are copied in half of the time that their pages take through the log.
  return fmt::format("TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}{}", SqlLiteral(*rows.at(0)[0]),
                     SqlLiteral(*rows.at(0)[1]), SqlLiteral(*rows.at(0)[2]),
                     PostgresServer::MajorVersion(version) >= 15 ? " STRATEGY file_copy" : "");
}

void CreateDatabase(Target& target, const std::string& name, const std::string& options) {
  target.session.Exec(fmt::format("CREATE DATABASE {} OWNER postgres {}", SqlName(name), options));
}

void DropDatabase(Target& target, const std::string& name) {
  target.session.Exec(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", SqlName(name)));
}

::testing::AssertionResult NotImported(const Result& psql, const std::string& what) {
  return ::testing::AssertionFailure() << "the seed cannot be imported " << what << ":\n" << psql.err << psql.out;
}

// Imports into an empty database that stays empty: creating one costs more than a small import.
::testing::AssertionResult TryImport(Target& target, const std::filesystem::path& seed, const std::string& seed_text,
                                     const std::string& database_options) {
  static int made = 0;
  std::string& database = target.empty[database_options];
  if (database.empty()) {
    database = fmt::format("empty {}", ++made);
    CreateDatabase(target, database, database_options);
  }
  const Result psql =
      target.server.Psql(seed, {database, "postgres"}, {"-o", "/dev/null", "-c", "BEGIN"}, {"-c", "ROLLBACK"});
  // Around large objects, a dump has transactions of its own.
  if (seed_text.find("\nCOMMIT;\n") != std::string::npos) {
    DropDatabase(target, database);
    target.empty.erase(database_options);
  }
  return psql.ok() ? ::testing::AssertionSuccess() : NotImported(psql, "into an empty database");
}

::testing::AssertionResult ImportAndCompare(const PostgresServer& target, const std::filesystem::path& seed,
                                            const std::string& database, const std::string& seed_text,
                                            const OracleOptions& options, const std::string& what) {
  const Result psql = target.Psql(seed, {database, "postgres"}, {"--single-transaction", "-o", "/dev/null"});
  if (!psql.ok()) return NotImported(psql, what);
  return DumpsAreEqual({"a dump of the seed imported " + what, target.Dump(database, options.dump_arguments)},
                       {"the seed", seed_text});
}

// Where a seed departs from pg_dump's bytes (docs/design.md): pg_dump's statement is in a DO block, which runs it only
// if this condition holds.
struct Departure {
  std::string_view name;
  std::string_view statement;  // What pg_dump's statement begins with.
  std::string_view condition;  // What the condition begins with.
};
constexpr Departure kDepartures[] = {
    {"view", "CREATE OR REPLACE VIEW ", "pg_catalog.to_regclass("},
    {"domain", "ALTER DOMAIN ", "pg_catalog.to_regtype("},
    {"access_method", "DROP OPERATOR ", "EXISTS (SELECT FROM pg_catalog.pg_am "},
    {"partitioned", "ALTER TABLE IF EXISTS ONLY ", "NOT EXISTS (SELECT FROM pg_catalog.pg_class "},
};

// Returns pg_dump's statement if `block` is one of the departures: "DO $rotv_view$BEGIN IF condition THEN\nstatement\n
// END IF; END$rotv_view$;".
std::string_view PgDumpsStatement(std::string_view block) {
  for (const Departure& departure : kDepartures) {
    const std::string begin = fmt::format("DO $rotv_{}", departure.name);
    const size_t condition = block.find("$BEGIN IF ");
    const size_t statement = block.find(" THEN\n");
    if (!block.starts_with(begin) || condition == std::string_view::npos || statement == std::string_view::npos)
      continue;
    const std::string_view tag = block.substr(3, condition + 1 - 3);
    const std::string end = fmt::format("\nEND IF; END{};\n", tag);
    std::string_view text = block.substr(statement + 6);
    if (!block.substr(condition + 10).starts_with(departure.condition) || !text.starts_with(departure.statement) ||
        !text.ends_with(end)) {
      continue;
    }
    text.remove_suffix(end.size() - 1);
    return text;
  }
  return block;
}

// Puts pg_dump's own statements into the clean part of a dump in canonical form.
std::string WithoutDepartures(const std::string& canonical) {
  std::string text;
  size_t written = 0;
  for (size_t at = 0; (at = canonical.find("\nDO $rotv_", at)) != std::string::npos;) {
    const size_t begin = ++at;
    const std::string tag = canonical.substr(begin + 3, canonical.find('$', begin + 4) - (begin + 3) + 1);
    const std::string end = fmt::format("\nEND IF; END{};\n", tag);
    at = canonical.find(end, begin);
    if (at == std::string::npos) break;
    at += end.size();
    text.append(canonical, written, begin - written);
    text.append(PgDumpsStatement(std::string_view(canonical).substr(begin, at - begin)));
    written = at--;  // The next block may begin right after this one's newline.
  }
  return text.append(canonical, written);
}

}  // namespace

::testing::AssertionResult DumpsAreEqual(const NamedDump& got, const NamedDump& expected) {
  const std::string got_text = WithoutDepartures(formats::CanonicalDump(got.text));
  const std::string expected_text = WithoutDepartures(formats::CanonicalDump(expected.text));
  if (got_text == expected_text) return ::testing::AssertionSuccess();
  const std::vector<std::string_view> got_lines = Lines(got_text);
  const std::vector<std::string_view> expected_lines = Lines(expected_text);
  const auto [got_at, expected_at] =
      std::mismatch(got_lines.begin(), got_lines.end(), expected_lines.begin(), expected_lines.end());
  const size_t line = static_cast<size_t>(got_at - got_lines.begin());
  size_t column = 0;
  if (got_at != got_lines.end() && expected_at != expected_lines.end()) {
    column = static_cast<size_t>(
        std::mismatch(got_at->begin(), got_at->end(), expected_at->begin(), expected_at->end()).first -
        got_at->begin());
  }
  return ::testing::AssertionFailure() << fmt::format(
             "{} ({} lines) and {} ({} lines) differ first in line {}, byte {}, of their canonical forms{}{}.\n"
             "{}:\n{}{}:\n{}",
             got.name, got_lines.size(), expected.name, expected_lines.size(), line + 1, column + 1,
             Block(expected_lines, line).empty() ? "" : ", in ", Block(expected_lines, line), got.name,
             Surroundings(got_lines, line, column), expected.name, Surroundings(expected_lines, line, column));
}

::testing::AssertionResult SeedEqualsDump(const PostgresServer& source, const std::filesystem::path& seed,
                                          const OracleOptions& options) {
  const std::string seed_text = ReadFile(seed);
  ::testing::AssertionResult equal = DumpsAreEqual(
      {"the seed", seed_text}, {"pg_dump of the source", source.Dump(options.database, options.dump_arguments)});
  if (!equal || options.import == Import::kNone) return equal;

  Target& target = ImportTarget(source.version());
  Connection session = source.NewConnection(kSuperuser);
  CopyRoles(session, target.session);
  const std::string database_options = DatabaseOptions(session, source.version(), options.database);
  if (options.import == Import::kTry) return TryImport(target, seed, seed_text, database_options);
  const std::string database = "import of the seed";
  DropDatabase(target, database);
  CreateDatabase(target, database, database_options);
  equal = ImportAndCompare(target.server, seed, database, seed_text, options, "into an empty database");
  if (!equal || options.import == Import::kEmpty) return equal;
  return ImportAndCompare(target.server, seed, database, seed_text, options, "over an older import");
}

}  // namespace rotv::testing
