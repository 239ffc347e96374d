#include "sync/carry/schema_match.h"

#include <algorithm>
#include <charconv>
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
using TableForm = std::tuple<std::string, bool, std::string, std::string, std::string>;

std::vector<TableForm> TableForms(const proto::SchemaVersion& schema) {
  std::vector<TableForm> forms;
  for (const proto::Table& table : schema.tables()) {
    forms.emplace_back(table.quoted_name(), schema::HasRows(table), table.copy_columns(), table.load_through(),
                       table.filter());
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

std::vector<std::string> Masks(const proto::SchemaVersion& schema) {
  std::vector<std::string> masks;
  for (const proto::Table& table : schema.tables()) {
    masks.push_back(table.quoted_name() + " " + table.mask().SerializeAsString());
  }
  std::sort(masks.begin(), masks.end());
  return masks;
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

std::string WhyNotCarried(const proto::SchemaVersion& from, const proto::SchemaVersion& to) {
  const bool same_texts = from.standard_strings() == to.standard_strings() &&
                          SameStatements(from.pre_data(), to.pre_data(), to.standard_strings()) &&
                          SameStatements(from.post_data(), to.post_data(), to.standard_strings());
  if (!same_texts || TableForms(from) != TableForms(to) || SequenceNames(from) != SequenceNames(to)) {
    return "the schema changed";
  }
  if (Masks(from) != Masks(to)) return "masking changed";
  if (Texts(from.not_valid()) != Texts(to.not_valid())) return "other foreign keys are NOT VALID";
  if (from.database().SerializeAsString() != to.database().SerializeAsString()) {
    return "settings, roles or collations of the source's database changed";
  }
  return "";
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
