#include "sync/formats/not_valid_keys.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "sync/formats/sql_statements.h"

namespace rotv::formats {
namespace {

// Returns the foreign key that the statement adds: "ALTER TABLE [ONLY] s.t\n    ADD CONSTRAINT c FOREIGN KEY (…".
std::optional<ConstraintName> ForeignKeyOf(std::string_view statement) {
  const std::string_view words = statement.starts_with("ALTER TABLE ONLY ") ? "ALTER TABLE ONLY " : "ALTER TABLE ";
  const std::optional<std::string_view> table = TakeNameAfter(words, &statement);
  if (!table) return std::nullopt;
  const std::optional<std::string_view> name = TakeNameAfter("\n    ADD CONSTRAINT ", &statement);
  if (!name || !statement.starts_with(" FOREIGN KEY ")) return std::nullopt;
  const std::vector<std::string> parts = NameParts(*table);
  const std::vector<std::string> own = NameParts(*name);
  if (parts.size() != 2 || own.size() != 1) return std::nullopt;
  return ConstraintName{parts[0], parts[1], own[0]};
}

}  // namespace

std::string WithNotValidKeys(std::string_view post_data, const std::set<ConstraintName>& keys, bool standard_strings) {
  if (keys.empty()) return std::string(post_data);
  std::string text;
  size_t written = 0;
  SqlStatements statements(post_data, standard_strings);
  while (const std::optional<std::string_view> statement = statements.Next()) {
    const std::optional<ConstraintName> key = ForeignKeyOf(*statement);
    if (!key || keys.count(*key) == 0 || statement->ends_with(" NOT VALID;")) continue;
    const size_t semicolon = static_cast<size_t>(statement->end() - post_data.begin()) - 1;
    text.append(post_data.substr(written, semicolon - written));
    text.append(" NOT VALID");
    written = semicolon;
  }
  return text.append(post_data.substr(written));
}

}  // namespace rotv::formats
