#include "sync/formats/clean_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "sync/formats/psql_lexer.h"
#include "sync/formats/sql_statements.h"

// pg_dump injects IF EXISTS into the DROP of each object, which is enough for most kinds: PostgreSQL then passes over
// a missing schema, table or argument type too. It is not enough where the statement is no DROP of the object itself,
// or where PostgreSQL has no such clause. Instead of other statements, pg_dump's own are run on a condition: over an
// older import they do what they have always done, with no CASCADE that could take something of the user's along.
//
// The conditions name objects by dollar-quoted text, since how a backslash in a plain literal is read depends on a
// setting.

namespace rotv::formats {
namespace {

constexpr std::string_view kRule = "--";

// "$rotv_view$", or the first one like it that is not in `text`.
std::string DollarTag(const std::string& name, std::string_view text) {
  std::string tag = "$rotv_" + name + "$";
  while (text.find(tag) != std::string_view::npos) tag.insert(tag.size() - 1, "_");
  return tag;
}

std::string Quoted(std::string_view text) {
  const std::string tag = DollarTag("name", text);
  return fmt::format("{0}{1}{0}", tag, text);
}

std::string OnCondition(const std::string& departure, const std::string& condition, std::string_view statement) {
  const std::string block = fmt::format("BEGIN IF {} THEN\n{}\nEND IF; END", condition, statement);
  const std::string tag = DollarTag(departure, block);
  return fmt::format("DO {0}{1}{0};", tag, block);
}

// Returns the access method of an operator class or family; nullopt for those that every server has.
std::optional<std::string_view> OwnAccessMethod(std::string_view statement) {
  constexpr std::array<std::string_view, 6> kBuiltIn = {"btree", "hash", "gist", "gin", "spgist", "brin"};
  const std::string_view words = statement.starts_with("DROP OPERATOR CLASS IF EXISTS ")
                                     ? "DROP OPERATOR CLASS IF EXISTS "
                                     : "DROP OPERATOR FAMILY IF EXISTS ";
  if (!TakeNameAfter(words, &statement)) return std::nullopt;
  const std::optional<std::string_view> method = NameAfter(" USING ", statement);
  if (!method || std::find(kBuiltIn.begin(), kBuiltIn.end(), *method) != kBuiltIn.end()) return std::nullopt;
  return method;
}

std::string Importable(std::string_view statement, const std::set<std::string>& partitioned) {
  if (const auto view = NameAfter("CREATE OR REPLACE VIEW ", statement)) {
    return OnCondition("view", fmt::format("pg_catalog.to_regclass({}) IS NOT NULL", Quoted(*view)), statement);
  }
  if (const auto domain = NameAfter("ALTER DOMAIN ", statement)) {
    return OnCondition("domain", fmt::format("pg_catalog.to_regtype({}) IS NOT NULL", Quoted(*domain)), statement);
  }
  if (const auto method = OwnAccessMethod(statement)) {
    return OnCondition(
        "access_method",
        fmt::format("EXISTS (SELECT FROM pg_catalog.pg_am WHERE pg_catalog.quote_ident(amname) = {})", Quoted(*method)),
        statement);
  }
  std::string_view rest = statement;
  const auto table = TakeNameAfter("ALTER TABLE IF EXISTS ONLY ", &rest);
  if (table && rest.starts_with(" DROP CONSTRAINT ") && partitioned.count(std::string(*table)) != 0) {
    return OnCondition("partitioned",
                       fmt::format("NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass({}) "
                                   "AND (relispartition OR relkind = 'p'))",
                                   Quoted(*table)),
                       statement);
  }
  return std::string(statement);
}

// Removes the first entry that begins with `header` and a statement that begins with `words`.
void RemoveEntry(const std::string& header, std::string_view words, std::string* text) {
  const std::string begin = "--\n-- " + header + "\n--\n\n";
  const size_t at = text->find(begin + std::string(words));
  if (at == std::string::npos) return;
  const std::string_view rest = std::string_view(*text).substr(at + begin.size());
  const std::optional<std::string_view> statement = SqlStatements(rest).Next();
  constexpr std::string_view kAfter = "\n\n\n";
  if (!statement || !rest.substr(statement->size()).starts_with(kAfter)) return;
  text->erase(at, begin.size() + statement->size() + kAfter.size());
}

}  // namespace

CleanPart FindCleanPart(std::string_view pre_data) {
  const size_t settings = pre_data.find("\nSET ");
  const size_t blank = settings == std::string_view::npos ? settings : pre_data.find("\n\n", settings);
  if (blank == std::string_view::npos) return {};
  CleanPart part{.begin = blank + 2, .end = blank + 2};
  PsqlLexer lexer(pre_data.substr(part.begin));
  bool begun = false;
  for (PsqlLexer::Token token = lexer.Next(); token.kind != PsqlLexer::Kind::kEnd; token = lexer.Next()) {
    if (begun) {
      begun = token.text != ";";
    } else if (token.text == kRule || token.text == "SET") {
      // An object's comment begins with an empty line of comment. Others belong to the clean part ("-- *not* dropping
      // schema, since initdb creates it").
      part.end = static_cast<size_t>(token.text.data() - pre_data.data());
      return part;
    } else {
      begun = !SeparatesTokens(token);
    }
  }
  part.end = pre_data.size();
  return part;
}

std::set<std::string> PartitionedTables(std::string_view pre_data, bool standard_strings) {
  std::set<std::string> tables;
  SqlStatements statements(pre_data, standard_strings);
  while (const std::optional<std::string_view> statement = statements.Next()) {
    for (std::string_view words : {"CREATE TABLE ", "CREATE UNLOGGED TABLE "}) {
      const std::optional<std::string_view> table = NameAfter(words, *statement);
      if (table && statement->find(")\nPARTITION BY ") != std::string_view::npos) tables.emplace(*table);
    }
    std::string_view rest = *statement;
    const std::optional<std::string_view> table = TakeNameAfter("ALTER TABLE ONLY ", &rest);
    const std::optional<std::string_view> partition = NameAfter(" ATTACH PARTITION ", rest);
    if (!table || !partition) continue;
    tables.emplace(*table);
    tables.emplace(*partition);
  }
  return tables;
}

std::string ImportableCleanPart(std::string_view text, const std::set<std::string>& partitioned) {
  std::string importable;
  size_t written = 0;
  SqlStatements statements(text);
  while (const std::optional<std::string_view> statement = statements.Next()) {
    const size_t at = static_cast<size_t>(statement->data() - text.data());
    importable.append(text.substr(written, at - written));
    importable.append(Importable(*statement, partitioned));
    written = at + statement->size();
  }
  importable.append(text.substr(written));
  return importable;
}

std::string WithoutCleanPart(std::string_view pre_data) {
  const CleanPart part = FindCleanPart(pre_data);
  std::string text(pre_data.substr(0, part.begin));
  text.append(pre_data.substr(part.end));
  // Before version 15, pg_dump dropped and created the schema public, which every database has, with --clean only.
  if (pre_data.substr(part.begin, part.end - part.begin).find("DROP SCHEMA IF EXISTS public;\n") !=
      std::string_view::npos) {
    RemoveEntry("Name: public; Type: SCHEMA; Schema: -; Owner: -", "CREATE SCHEMA public;", &text);
    RemoveEntry("Name: SCHEMA public; Type: COMMENT; Schema: -; Owner: -", "COMMENT ON SCHEMA public IS ", &text);
  }
  return text;
}

}  // namespace rotv::formats
