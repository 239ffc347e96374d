#include "sync/formats/schema_roles.h"

#include <optional>

#include "sync/formats/psql_lexer.h"
#include "sync/formats/sql_statements.h"

namespace rotv::formats {
namespace {

// Removes a name from the front of `text` and returns it unquoted; nullopt if none is there in full.
std::optional<std::string> TakeName(std::string_view* text) {
  PsqlLexer lexer(*text);
  const PsqlLexer::Token token = lexer.Next();
  const bool is_quoted = token.kind == PsqlLexer::Kind::kName && token.text.starts_with('"') && token.closed;
  if (token.kind != PsqlLexer::Kind::kWord && !is_quoted) return std::nullopt;
  text->remove_prefix(token.text.size());
  return NameParts(token.text).front();
}

bool Take(std::string_view word, std::string_view* text) {
  if (!text->starts_with(word)) return false;
  text->remove_prefix(word.size());
  return true;
}

// Reads what pg_dump writes after CREATE POLICY: name ON schema.table [AS RESTRICTIVE] [FOR command] [TO role, …]
// [USING …].
void AddOfPolicy(std::string_view text, std::set<std::string>* roles) {
  if (!TakeName(&text) || !Take(" ON ", &text)) return;
  if (!TakeName(&text) || (Take(".", &text) && !TakeName(&text))) return;
  Take(" AS RESTRICTIVE", &text);
  if (Take(" FOR ", &text) && !TakeName(&text)) return;
  if (!Take(" TO ", &text)) return;
  do {
    std::optional<std::string> role = TakeName(&text);
    if (!role) return;
    roles->insert(*role);
  } while (Take(", ", &text));
}

}  // namespace

std::set<std::string> RolesIn(std::string_view schema) {
  constexpr std::string_view kPolicy = "\nCREATE POLICY ", kMapping = "\nCREATE USER MAPPING FOR ";
  std::set<std::string> roles;
  for (size_t at = 0; (at = schema.find(kPolicy, at)) != std::string_view::npos; at += kPolicy.size()) {
    AddOfPolicy(schema.substr(at + kPolicy.size()), &roles);
  }
  for (size_t at = 0; (at = schema.find(kMapping, at)) != std::string_view::npos; at += kMapping.size()) {
    std::string_view text = schema.substr(at + kMapping.size());
    if (std::optional<std::string> role = TakeName(&text)) roles.insert(*role);
  }
  // These are keywords, not roles. In quotes they would be roles, which no real server has.
  for (const char* word : {"PUBLIC", "public", "CURRENT_USER", "SESSION_USER", "CURRENT_ROLE"}) roles.erase(word);
  return roles;
}

}  // namespace rotv::formats
