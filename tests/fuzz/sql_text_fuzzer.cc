// psql's lexer takes every byte once and in order; the tokens of a text are their own tokens; the roles that a schema
// names are found however they are written, and none is invented.

#include <set>
#include <string>
#include <string_view>

#include "sync/formats/psql_lexer.h"
#include "sync/formats/schema_roles.h"
#include "sync/formats/sql_tokens.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/fuzz_target.h"

namespace rotv::formats {
namespace {

void CheckLexer(std::string_view text, bool backslash_escapes) {
  PsqlLexer lexer(text);
  lexer.set_backslash_escapes(backslash_escapes);
  size_t at = 0;
  while (true) {
    const PsqlLexer::Token token = lexer.Next();
    if (token.kind == PsqlLexer::Kind::kEnd) break;
    FuzzCheck(!token.text.empty() && token.text.data() == text.data() + at);
    at += token.text.size();
    FuzzCheck(lexer.position() == at);
    FuzzCheck(token.closed || at == text.size());
    FuzzCheck((token.kind == PsqlLexer::Kind::kNewline) == (token.text == "\n"));
    FuzzCheck(token.kind != PsqlLexer::Kind::kBackslash || token.text == "\\");
    // Whatever may hold a quote is closed by the same one.
    if (token.closed && token.kind == PsqlLexer::Kind::kString) FuzzCheck(token.text.back() == '\'');
    if (token.closed && token.kind == PsqlLexer::Kind::kName) FuzzCheck(token.text.back() == '"');
    if (token.closed && token.kind == PsqlLexer::Kind::kDollar) FuzzCheck(token.text.back() == '$');
  }
  FuzzCheck(at == text.size() && lexer.done());
}

// Text between tokens begins with no quote, so leaving out comments and spaces changes no token after it.
void CheckTokens(std::string_view text) {
  const std::string tokens = SqlTokens(text);
  FuzzCheck(SqlTokens(tokens) == tokens);
  FuzzCheck(SqlTokens(std::string("  /* a /* b */ */ -- c\n\t") + std::string(text)) == tokens);
}

std::string Quoted(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void CheckRoles(std::string_view text) {
  for (const std::string& role : RolesIn(text)) {
    FuzzCheck(text.find(role) != std::string_view::npos || text.find(Quoted(role)) != std::string_view::npos);
  }
  FuzzInput input(text);
  const std::string first(input.Line()), table(input.Line()), second(input.Line());
  const std::string policy = "\nCREATE POLICY " + Quoted(table) + " ON public." + Quoted(table) +
                             " AS RESTRICTIVE FOR SELECT TO " + Quoted(first) + ", " + Quoted(second) +
                             " USING (true);\n";
  const std::string mapping = "\nCREATE USER MAPPING FOR " + Quoted(second) + " SERVER s;\n";
  std::set<std::string> keywords = {"PUBLIC", "public", "CURRENT_USER", "SESSION_USER", "CURRENT_ROLE"};
  for (const std::string& schema : {policy, policy + mapping}) {
    const std::set<std::string> roles = RolesIn(schema);
    FuzzCheck(keywords.count(first) != 0 || roles.count(first) != 0);
    FuzzCheck(keywords.count(second) != 0 || roles.count(second) != 0);
  }
  FuzzCheck(keywords.count(second) != 0 || RolesIn(mapping).count(second) != 0);
}

void CheckSqlText(std::string_view text) {
  CheckLexer(text, false);
  CheckLexer(text, true);
  CheckTokens(text);
  CheckRoles(text);
}

}  // namespace
}  // namespace rotv::formats

ROTV_FUZZ_TARGET(sql_text, rotv::formats::CheckSqlText)
