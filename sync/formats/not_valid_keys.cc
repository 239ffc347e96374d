#include "sync/formats/not_valid_keys.h"

#include <optional>

#include "sync/formats/sql_statements.h"

namespace rotv::formats {
std::string WithNotValidKeys(std::string_view post_data, const std::set<ConstraintName>& keys, bool standard_strings) {
  if (keys.empty()) return std::string(post_data);
  std::string text;
  size_t written = 0;
  SqlStatements statements(post_data, standard_strings);
  while (const std::optional<std::string_view> statement = statements.Next()) {
    const std::optional<ForeignKeyText> key = ForeignKeyOf(*statement);
    if (!key || keys.count(key->constraint()) == 0 || statement->ends_with(" NOT VALID;")) continue;
    const size_t semicolon = static_cast<size_t>(statement->end() - post_data.begin()) - 1;
    text.append(post_data.substr(written, semicolon - written));
    text.append(" NOT VALID");
    written = semicolon;
  }
  return text.append(post_data.substr(written));
}

}  // namespace rotv::formats
