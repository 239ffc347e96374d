#include "sync/carry/schema_match.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "storage/error.h"
#include "sync/formats/sql_statements.h"
#include "sync/schema/follow.h"

namespace rotv::carry {
namespace {

constexpr std::string_view kComment = "COMMENT ON LARGE OBJECT ";

// Until version 16 pg_dump creates large objects in the text before the rows.
bool IsOfLargeObjects(std::string_view statement) {
  return statement.starts_with("SELECT pg_catalog.lo_") || statement.starts_with(kComment);
}

// True if both texts have the same statements, but for those of large objects. Comments are not compared: they name the
// versions of server and pg_dump.
bool SameStatements(std::string_view from, std::string_view to, bool standard_strings) {
  if (from == to) return true;
  formats::SqlStatements before(from, standard_strings);
  formats::SqlStatements after(to, standard_strings);
  auto next = [](formats::SqlStatements& statements) {
    std::optional<std::string_view> statement = statements.Next();
    while (statement && IsOfLargeObjects(*statement)) statement = statements.Next();
    return statement;
  };
  while (true) {
    const std::optional<std::string_view> old_statement = next(before);
    if (old_statement != next(after)) return false;
    if (!old_statement) return true;
  }
}

// What a seed has of a table beside its definition and rows.
// The numbers of its columns, too: one that was dropped and came back is written alike, and has other values.
using TableForm = std::tuple<std::string, bool, std::string, std::string, std::string, std::vector<uint32_t>>;

std::vector<TableForm> TableForms(const proto::SchemaVersion& schema) {
  std::vector<TableForm> forms;
  for (const proto::Table& table : schema.tables()) {
    std::vector<uint32_t> numbers;
    for (const proto::ColumnState& column : table.state().columns()) numbers.push_back(column.number());
    forms.emplace_back(table.quoted_name(), schema::HasRows(table), table.copy_columns(), table.load_through(),
                       table.filter(), std::move(numbers));
  }
  std::sort(forms.begin(), forms.end());
  return forms;
}

std::vector<std::string> SequenceNames(const proto::SchemaVersion& schema) {
  std::vector<std::string> names;
  for (const proto::Sequence& sequence : schema.sequences()) names.push_back(sequence.quoted_name());
  std::sort(names.begin(), names.end());
  return names;
}

template <typename Messages>
std::vector<std::string> Texts(const Messages& messages) {
  std::vector<std::string> texts;
  for (const auto& message : messages) texts.push_back(message.SerializeAsString());
  std::sort(texts.begin(), texts.end());
  return texts;
}

// True if what both states have of a table is masked alike: a table, or a column, of only one of them may have any
// mask.
bool MasksAgree(const proto::SchemaVersion& from, const proto::SchemaVersion& to) {
  std::map<std::string, const proto::Table*> before;
  for (const proto::Table& table : from.tables()) before[table.quoted_name()] = &table;
  auto common = [](const proto::Table& table, const proto::Table& other) {
    proto::TableMask mask = table.mask();
    std::set<uint32_t> numbers;
    for (const proto::ColumnState& column : other.state().columns()) numbers.insert(column.number());
    std::vector<std::string> columns;
    for (const proto::MaskedColumn& column : mask.columns()) {
      if (numbers.contains(column.number())) columns.push_back(column.SerializeAsString());
    }
    // What identifies the secret is there with the first masked column.
    if (columns.empty()) mask.clear_secret_id();
    mask.clear_columns();
    columns.push_back(mask.SerializeAsString());
    return columns;
  };
  return std::all_of(to.tables().begin(), to.tables().end(), [&](const proto::Table& table) {
    const auto same = before.find(table.quoted_name());
    return same == before.end() || common(table, *same->second) == common(*same->second, table);
  });
}

// Reads a literal that pg_dump wrote: "'it''s'".
std::string LiteralValue(std::string_view literal, bool standard_strings) {
  if (literal.size() < 2 || literal.front() != '\'' || literal.back() != '\'') {
    throw Error(ErrorCode::kCorrupt, "the schema's text has a malformed comment of a large object");
  }
  literal = literal.substr(1, literal.size() - 2);
  std::string value;
  for (size_t i = 0; i < literal.size(); ++i) {
    const bool doubled = literal[i] == '\'' || (literal[i] == '\\' && !standard_strings);
    value += literal[i];
    if (doubled) ++i;
  }
  return value;
}

}  // namespace

std::string WhyNeverCarried(const proto::SchemaVersion& from, const proto::SchemaVersion& to) {
  if (!MasksAgree(from, to)) return "masking changed";
  if (Texts(from.not_valid()) != Texts(to.not_valid())) return "other foreign keys are NOT VALID";
  if (from.database().SerializeAsString() != to.database().SerializeAsString()) {
    return "settings, roles or collations of the source's database changed";
  }
  return "";
}

bool SameSchema(const proto::SchemaVersion& from, const proto::SchemaVersion& to) {
  return from.standard_strings() == to.standard_strings() &&
         SameStatements(from.pre_data(), to.pre_data(), to.standard_strings()) &&
         SameStatements(from.post_data(), to.post_data(), to.standard_strings()) &&
         TableForms(from) == TableForms(to) && SequenceNames(from) == SequenceNames(to);
}

std::map<uint32_t, std::string> ObjectComments(const proto::SchemaVersion& schema) {
  std::map<uint32_t, std::string> comments;
  for (const proto::LargeObjectGroup& group : schema.large_objects()) {
    for (const proto::LargeObject& object : group.objects()) {
      if (object.has_comment()) comments[object.oid()] = object.comment();
    }
  }
  if (!schema.large_objects().empty()) return comments;
  // Lexing the text costs more than finding the words in it, and most databases have no such comment.
  if (schema.pre_data().find(kComment) == std::string::npos) return comments;
  formats::SqlStatements statements(schema.pre_data(), schema.standard_strings());
  while (const std::optional<std::string_view> statement = statements.Next()) {
    if (!statement->starts_with(kComment)) continue;
    std::string_view rest = statement->substr(kComment.size());
    uint32_t oid = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), oid);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    constexpr std::string_view kIs = " IS ";
    if (problem != std::errc() || !rest.starts_with(kIs) || !rest.ends_with(";")) {
      throw Error(ErrorCode::kCorrupt, "the schema's text has a malformed comment of a large object");
    }
    rest = rest.substr(kIs.size(), rest.size() - kIs.size() - 1);
    comments[oid] = LiteralValue(rest, schema.standard_strings());
  }
  return comments;
}

}  // namespace rotv::carry
