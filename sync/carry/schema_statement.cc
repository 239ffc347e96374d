#include "sync/carry/schema_statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "sync/formats/clean_part.h"
#include "sync/formats/not_valid_keys.h"
#include "sync/formats/sql_statements.h"

// Statements are told by their first words, as pg_dump writes them. One that is not known is none that may be run or
// undone, so a word too few here only costs an import.

namespace rotv::carry {
namespace {

using Kind = SchemaStatement::Kind;
using Token = formats::PsqlLexer::Token;

struct Creator {
  std::string_view words;
  std::string_view what;
  Kind kind = Kind::kOther;
};
constexpr std::array kCreators = {Creator{"CREATE TABLE ", "TABLE", Kind::kTable},
                                  Creator{"CREATE UNLOGGED TABLE ", "TABLE", Kind::kTable},
                                  Creator{"CREATE VIEW ", "VIEW"},
                                  Creator{"CREATE MATERIALIZED VIEW ", "MATERIALIZED VIEW"},
                                  Creator{"CREATE SEQUENCE ", "SEQUENCE"},
                                  Creator{"CREATE UNLOGGED SEQUENCE ", "SEQUENCE"},
                                  Creator{"CREATE TYPE ", "TYPE"},
                                  Creator{"CREATE DOMAIN ", "DOMAIN"},
                                  Creator{"CREATE STATISTICS ", "STATISTICS"},
                                  Creator{"CREATE FUNCTION ", "FUNCTION", Kind::kRoutine},
                                  Creator{"CREATE PROCEDURE ", "PROCEDURE", Kind::kRoutine}};

std::string_view FromFirstWord(std::string_view text) {
  constexpr std::string_view kSpaces = " \n\t";
  const size_t begin = text.find_first_not_of(kSpaces);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// Returns what follows the first of these words outside of quotes; empty if there is none.
std::string_view After(std::string_view word, std::string_view text) {
  formats::PsqlLexer lexer(text);
  for (Token token = lexer.Next(); token.kind != formats::PsqlLexer::Kind::kEnd; token = lexer.Next()) {
    if (token.kind == formats::PsqlLexer::Kind::kWord && token.text == word) {
      return FromFirstWord(text.substr(lexer.position()));
    }
  }
  return {};
}

std::string NameAt(std::string_view text) { return std::string(formats::NameAfter("", text).value_or("")); }

// Returns the schema of a qualified name, with its full stop: "public.".
std::string SchemaOf(std::string_view name) {
  bool quoted = false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '"') quoted = !quoted;
    if (name[i] == '.' && !quoted) return std::string(name.substr(0, i + 1));
  }
  return "";
}

class Reader {
 public:
  // `header` is the comment above the statement: "-- Name: f(integer); Type: FUNCTION; Schema: public; Owner: -".
  Reader(std::string text, std::string_view header) : header_(header) {
    statement_.text = std::move(text);
    rest_ = statement_.text;
  }

  SchemaStatement Read() {
    if (ReadCreator() || ReadSchemaOrExtra() || ReadPartOfTable() || ReadComment() || ReadAlterTable())
      return statement_;
    if (const auto sequence = formats::TakeNameAfter("ALTER SEQUENCE ", &rest_);
        sequence && rest_.starts_with(" OWNED BY ")) {
      return Known(Kind::kOther, "", fmt::format("ALTER SEQUENCE {} OWNED BY NONE", *sequence));
    }
    // The index of a partition goes with the partition.
    if (statement_.text.starts_with("ALTER INDEX ") &&
        statement_.text.find(" ATTACH PARTITION ") != std::string::npos) {
      return Known(Kind::kOther, "", "");
    }
    return statement_;
  }

 private:
  SchemaStatement Known(Kind kind, std::string_view on, std::optional<std::string> undo) {
    statement_.kind = kind;
    statement_.on = on;
    statement_.undo = std::move(undo);
    return statement_;
  }

  bool ReadCreator() {
    for (const Creator& creator : kCreators) {
      const auto name = formats::TakeNameAfter(creator.words, &rest_);
      if (!name) continue;
      statement_.name = *name;
      std::string target(*name);
      if (creator.kind == Kind::kRoutine) target += Arguments(creator.what);
      statement_.key = fmt::format("{} {}", creator.what, target);
      Known(creator.kind, creator.kind == Kind::kTable ? *name : "", fmt::format("DROP {} {}", creator.what, target));
      return true;
    }
    return false;
  }

  // The types of a routine's arguments, in parentheses: in the statement there are names and defaults beside them.
  std::string Arguments(std::string_view what) const {
    constexpr std::string_view kName = "-- Name: ";
    const std::vector<std::string> parts = formats::NameParts(statement_.name);
    const size_t end = header_.find(fmt::format("; Type: {};", what));
    if (!header_.starts_with(kName) || end == std::string_view::npos || parts.empty()) return "";
    const std::string_view tag = header_.substr(kName.size(), end - kName.size());
    return tag.starts_with(parts.back()) ? std::string(tag.substr(parts.back().size())) : "";
  }

  bool ReadSchemaOrExtra() {
    const auto schema = formats::TakeNameAfter("CREATE SCHEMA ", &rest_);
    if (!schema) return false;
    Known(Kind::kOther, "", fmt::format("DROP SCHEMA {}", *schema));
    statement_.text = fmt::format("CREATE SCHEMA IF NOT EXISTS {}", *schema);
    return true;
  }

  bool ReadPartOfTable() {
    for (const std::string_view words : {"CREATE INDEX ", "CREATE UNIQUE INDEX "}) {
      const auto name = formats::TakeNameAfter(words, &rest_);
      if (!name) continue;
      std::string_view target = After("ON", rest_);
      if (target.starts_with("ONLY ")) target.remove_prefix(5);
      const std::string on = NameAt(target);
      Known(words.find("UNIQUE") != std::string_view::npos ? Kind::kKey : Kind::kOther, on,
            fmt::format("DROP INDEX {}{}", SchemaOf(on), *name));
      return true;
    }
    struct Part {
      std::string_view words, what, before_table;
    };
    for (const Part& part :
         {Part{"CREATE TRIGGER ", "TRIGGER", "ON"}, Part{"CREATE CONSTRAINT TRIGGER ", "TRIGGER", "ON"},
          Part{"CREATE POLICY ", "POLICY", "ON"}, Part{"CREATE RULE ", "RULE", "TO"}}) {
      const auto name = formats::TakeNameAfter(part.words, &rest_);
      if (!name) continue;
      const std::string on = NameAt(After(part.before_table, rest_));
      Known(Kind::kOther, on, fmt::format("DROP {} {} ON {}", part.what, *name, on));
      return true;
    }
    return false;
  }

  bool ReadComment() {
    if (!rest_.starts_with("COMMENT ON ") || rest_.starts_with("COMMENT ON EXTENSION ")) return false;
    // The text of the comment is the only thing after the last IS.
    size_t end = 0;
    formats::PsqlLexer lexer(rest_);
    for (Token token = lexer.Next(); token.kind != formats::PsqlLexer::Kind::kEnd; token = lexer.Next()) {
      if (token.text == "IS") end = lexer.position();
    }
    if (end == 0) return false;
    Known(Kind::kOther, "", fmt::format("{} NULL", rest_.substr(0, end)));
    return true;
  }

  bool ReadAlterTable() {
    auto name = formats::TakeNameAfter("ALTER TABLE ONLY ", &rest_);
    if (!name) name = formats::TakeNameAfter("ALTER TABLE ", &rest_);
    if (!name) return false;
    const std::string table(*name);
    const std::string front = statement_.text.substr(0, statement_.text.size() - rest_.size());
    rest_ = FromFirstWord(rest_);
    const std::string text(rest_);
    if (const auto constraint = formats::NameAfter("ADD CONSTRAINT ", rest_)) {
      const bool is_key = text.find(" PRIMARY KEY") != std::string::npos || text.find(" UNIQUE") != std::string::npos;
      // Of two tables that are dropped, either may reference the other one.
      const bool is_reference = !is_key && text.find(" FOREIGN KEY (") != std::string::npos;
      Known(is_key ? Kind::kKey : Kind::kOther, is_reference ? "" : table,
            fmt::format("{} DROP CONSTRAINT {}", front, *constraint));
    } else if (const auto part = formats::NameAfter("ATTACH PARTITION ", rest_)) {
      Known(Kind::kAttach, *part, fmt::format("ALTER TABLE {} DETACH PARTITION {}", table, *part));
    } else if (const auto column = formats::TakeNameAfter("ALTER COLUMN ", &rest_)) {
      ReadAlterColumn(table, fmt::format("{} ALTER COLUMN {}", front, *column));
    } else {
      Known(Kind::kOther, table, UndoneSetting(front));
    }
    return true;
  }

  void ReadAlterColumn(const std::string& table, const std::string& column) {
    if (rest_.starts_with(" SET DEFAULT ")) {
      // Its sequence may be dropped before the table is.
      Known(Kind::kOther, "", column + " DROP DEFAULT");
    } else if (rest_.starts_with(" ADD GENERATED ")) {
      Known(Kind::kOther, table, column + " DROP IDENTITY");
    } else if (rest_.starts_with(" SET STATISTICS ")) {
      Known(Kind::kOther, table, column + " SET STATISTICS -1");
    } else {
      Known(Kind::kOther, table, std::nullopt);
    }
  }

  std::optional<std::string> UndoneSetting(const std::string& front) const {
    for (const std::string_view what : {"TRIGGER", "RULE"}) {
      for (const std::string_view words : {"ENABLE ALWAYS ", "ENABLE REPLICA ", "DISABLE "}) {
        const auto name = formats::NameAfter(fmt::format("{}{} ", words, what), rest_);
        if (name) return fmt::format("{} ENABLE {} {}", front, what, *name);
      }
    }
    if (rest_ == "ENABLE ROW LEVEL SECURITY") return front + " DISABLE ROW LEVEL SECURITY";
    if (rest_ == "FORCE ROW LEVEL SECURITY") return front + " NO FORCE ROW LEVEL SECURITY";
    if (rest_.starts_with("REPLICA IDENTITY ")) return front + " REPLICA IDENTITY DEFAULT";
    if (rest_.starts_with("CLUSTER ON ")) return front + " SET WITHOUT CLUSTER";
    return std::nullopt;
  }

  const std::string_view header_;
  SchemaStatement statement_;
  std::string_view rest_;
};

bool StartsWithAny(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.starts_with(word); });
}

// Returns the comment's line that pg_dump writes above each object.
std::string_view HeaderAbove(std::string_view text, size_t at) {
  constexpr std::string_view kName = "\n-- Name: ";
  const size_t line = text.rfind(kName, at);
  if (line == std::string_view::npos) return {};
  return text.substr(line + 1, text.find('\n', line + 1) - line - 1);
}

// The body of a function is several statements if it begins with BEGIN ATOMIC.
bool BeginsBody(std::string_view statement) {
  return StartsWithAny(statement, {"CREATE FUNCTION ", "CREATE PROCEDURE "}) &&
         After("BEGIN", statement).starts_with("ATOMIC");
}

void AddStatements(std::string_view text, bool standard_strings, bool after_rows, std::vector<SchemaStatement>* all) {
  formats::SqlStatements statements(text, standard_strings);
  while (std::optional<std::string_view> statement = statements.Next()) {
    const auto at = static_cast<size_t>(statement->data() - text.data());
    size_t end = at + statement->size();
    for (bool body = BeginsBody(*statement); body && statement;) {
      statement = statements.Next();
      if (statement) end = static_cast<size_t>(statement->data() - text.data()) + statement->size();
      body = statement != "END;";
    }
    std::string_view whole = text.substr(at, end - at);
    if (StartsWithAny(whole,
                      {"SET ", "SELECT pg_catalog.", "COMMENT ON LARGE OBJECT ", "REFRESH MATERIALIZED VIEW "})) {
      continue;
    }
    if (whole.ends_with(';')) whole.remove_suffix(1);
    all->push_back(Reader(std::string(whole), HeaderAbove(text, at)).Read());
    all->back().after_rows = after_rows;
  }
}

}  // namespace

std::vector<SchemaStatement> SchemaStatements(const proto::SchemaVersion& schema) {
  std::vector<SchemaStatement> statements;
  AddStatements(formats::WithoutCleanPart(schema.pre_data()), schema.standard_strings(), false, &statements);
  std::set<formats::ConstraintName> keys;
  for (const proto::ForeignKey& key : schema.not_valid()) keys.emplace(key.schema(), key.table(), key.name());
  AddStatements(formats::WithNotValidKeys(schema.post_data(), keys, schema.standard_strings()),
                schema.standard_strings(), true, &statements);
  return statements;
}

bool HasStoragePlaces(const proto::SchemaVersion& schema) {
  for (const std::string* text : {&schema.pre_data(), &schema.post_data()}) {
    formats::SqlStatements statements(*text, schema.standard_strings());
    while (const std::optional<std::string_view> statement = statements.Next()) {
      if (statement->starts_with("SET default_tablespace = ") && *statement != "SET default_tablespace = '';")
        return true;
      if (statement->starts_with("SET default_table_access_method = ") &&
          *statement != "SET default_table_access_method = heap;") {
        return true;
      }
    }
  }
  return false;
}

}  // namespace rotv::carry
