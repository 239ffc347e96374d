#include "sync/carry/table_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "storage/trimmed.h"
#include "sync/formats/dump_text.h"
#include "sync/formats/sql_statements.h"

namespace rotv::carry {
namespace {

using formats::PsqlLexer;
using Token = PsqlLexer::Token;

// The lists of a table's text: what is between the outer parentheses, split at commas.
struct Elements {
  std::string_view head, tail;
  std::vector<std::string_view> parts;
};

std::optional<Elements> SplitElements(std::string_view statement, bool standard_strings) {
  Elements elements;
  PsqlLexer lexer(statement);
  lexer.set_backslash_escapes(!standard_strings);
  int depth = 0;
  size_t begin = 0;
  auto add = [&](size_t end) {
    const std::string_view part = Trimmed(statement.substr(begin, end - begin));
    if (!part.empty()) elements.parts.push_back(part);
    begin = end + 1;
  };
  for (Token token = lexer.Next(); token.kind != PsqlLexer::Kind::kEnd; token = lexer.Next()) {
    const size_t at = lexer.position() - token.text.size();
    if (token.text == "(" && ++depth == 1) {
      elements.head = Trimmed(statement.substr(0, at));
      begin = at + 1;
    } else if (token.text == ")" && --depth == 0) {
      add(at);
      elements.tail = Trimmed(statement.substr(at + 1));
      return elements;
    } else if (token.text == "," && depth == 1) {
      add(at);
    }
  }
  return std::nullopt;
}

// "id integer DEFAULT 7 NOT NULL"
ColumnText ReadColumn(std::string_view text, bool standard_strings) {
  constexpr std::string_view kNotNull = " NOT NULL";
  ColumnText column;
  column.not_null = text.ends_with(kNotNull);
  if (column.not_null) text = Trimmed(text.substr(0, text.size() - kNotNull.size()));
  PsqlLexer lexer(text);
  lexer.set_backslash_escapes(!standard_strings);
  column.name = lexer.Next().text;
  const size_t type_at = lexer.position();
  int depth = 0;
  for (Token token = lexer.Next(); token.kind != PsqlLexer::Kind::kEnd; token = lexer.Next()) {
    if (token.text == "(") ++depth;
    if (token.text == ")") --depth;
    if (token.kind != PsqlLexer::Kind::kWord || depth > 0) continue;
    const size_t at = lexer.position() - token.text.size();
    if (token.text == "DEFAULT") {
      column.value = Trimmed(text.substr(lexer.position()));
    } else if (token.text == "GENERATED") {
      column.generated = text.substr(at);
    } else {
      continue;
    }
    column.type = Trimmed(text.substr(type_at, at - type_at));
    return column;
  }
  column.type = Trimmed(text.substr(type_at));
  return column;
}

class Alteration {
 public:
  Alteration(std::string_view name, const ColumnFacts& facts, bool standard_strings)
      : table_(fmt::format("ALTER TABLE {} ", name)), facts_(facts), standard_strings_(standard_strings) {}

  std::optional<TableAlteration> Write(const TableText& from, const TableText& to) {
    if (from.head != to.head || from.tail != to.tail || !Match(from, to)) return std::nullopt;
    for (const auto& [name, text] : from.constraints) {
      const auto kept = to.constraints.find(name);
      if (kept == to.constraints.end() || kept->second != text) First(fmt::format("DROP CONSTRAINT {}", name));
    }
    for (const ColumnText& column : from.columns) {
      if (!kept_.contains(column.name)) First(fmt::format("DROP COLUMN {}", column.name));
    }
    for (const ColumnText& column : to.columns) {
      const auto before = kept_names_.find(column.name);
      if (before == kept_names_.end()) {
        Add(column);
      } else {
        Change(*before->second, column);
      }
    }
    for (const auto& [name, text] : to.constraints) {
      const auto had = from.constraints.find(name);
      if (had == from.constraints.end() || had->second != text) Last("ADD " + text);
    }
    return std::move(alteration_);
  }

 private:
  // Pairs the columns; false if one changes in a way that needs a new table, or if the order would be another one.
  bool Match(const TableText& from, const TableText& to) {
    size_t next = 0;  // In `from`.
    bool added = false;
    for (const ColumnText& column : to.columns) {
      const auto name = facts_.before.find(column.name);
      if (name == facts_.before.end()) {
        added = true;
        continue;
      }
      const auto found = std::find_if(from.columns.begin() + static_cast<std::ptrdiff_t>(next), from.columns.end(),
                                      [&](const ColumnText& old) { return old.name == name->second; });
      if (added || found == from.columns.end()) return false;
      if (found->type != column.type || found->generated != column.generated) return false;
      next = static_cast<size_t>(found - from.columns.begin()) + 1;
      kept_.insert(found->name);
      kept_names_[column.name] = &*found;
    }
    return true;
  }

  void Add(const ColumnText& column) {
    const auto value = facts_.existing.find(column.name);
    std::string text = fmt::format("ADD COLUMN {} {}", column.name, column.type);
    if (!column.generated.empty()) text += " " + column.generated;
    const bool has_value = value != facts_.existing.end();
    if (has_value) text += " DEFAULT " + formats::DumpLiteral(value->second, standard_strings_);
    Then(text);
    if (!column.value.empty()) Then(fmt::format("ALTER COLUMN {} SET DEFAULT {}", column.name, column.value));
    if (column.value.empty() && has_value) Then(fmt::format("ALTER COLUMN {} DROP DEFAULT", column.name));
    if (column.not_null) Last(fmt::format("ALTER COLUMN {} SET NOT NULL", column.name));
  }

  void Change(const ColumnText& before, const ColumnText& after) {
    if (before.value != after.value && !before.value.empty()) {
      First(fmt::format("ALTER COLUMN {} DROP DEFAULT", before.name));
    }
    if (before.name != after.name) Then(fmt::format("RENAME COLUMN {} TO {}", before.name, after.name));
    if (before.value != after.value && !after.value.empty()) {
      Then(fmt::format("ALTER COLUMN {} SET DEFAULT {}", after.name, after.value));
    }
    if (before.not_null && !after.not_null) First(fmt::format("ALTER COLUMN {} DROP NOT NULL", before.name));
    if (!before.not_null && after.not_null) Last(fmt::format("ALTER COLUMN {} SET NOT NULL", after.name));
  }

  void First(const std::string& what) { alteration_.first.push_back(table_ + what); }
  void Then(const std::string& what) { alteration_.then.push_back(table_ + what); }
  void Last(const std::string& what) { alteration_.last.push_back(table_ + what); }

  const std::string table_;
  const ColumnFacts& facts_;
  const bool standard_strings_;
  std::set<std::string> kept_;                           // Columns of `from`.
  std::map<std::string, const ColumnText*> kept_names_;  // By their names in `to`.
  TableAlteration alteration_;
};

}  // namespace

std::optional<TableText> ReadTableText(std::string_view statement, bool standard_strings) {
  const std::optional<Elements> elements = SplitElements(statement, standard_strings);
  if (!elements) return std::nullopt;
  TableText table{
      .head = std::string(elements->head), .tail = std::string(elements->tail), .columns = {}, .constraints = {}};
  for (const std::string_view part : elements->parts) {
    if (const auto name = formats::NameAfter("CONSTRAINT ", part)) {
      table.constraints.emplace(*name, part);
    } else {
      table.columns.push_back(ReadColumn(part, standard_strings));
    }
  }
  return table;
}

std::optional<TableAlteration> AlterTable(std::string_view name, const TableText& from, const TableText& to,
                                          const ColumnFacts& facts, bool standard_strings) {
  return Alteration(name, facts, standard_strings).Write(from, to);
}

}  // namespace rotv::carry
