#include "sync/formats/sql_statements.h"

#include <cstddef>

namespace rotv::formats {

using Kind = PsqlLexer::Kind;
using Token = PsqlLexer::Token;

bool SeparatesTokens(const Token& token) {
  return token.kind == Kind::kSpace || token.kind == Kind::kNewline || token.kind == Kind::kComment;
}

std::optional<std::string_view> SqlStatements::Next() {
  size_t start = 0;
  int parentheses = 0;
  bool begun = false;
  for (Token token = lexer_.Next(); token.kind != Kind::kEnd; token = lexer_.Next()) {
    if (!begun && SeparatesTokens(token)) continue;
    if (!begun) start = static_cast<size_t>(token.text.data() - text_.data());
    begun = true;
    if (token.text == "(") ++parentheses;
    if (token.text == ")") --parentheses;
    if (token.text == ";" && parentheses <= 0) return text_.substr(start, lexer_.position() - start);
  }
  if (!begun) return std::nullopt;
  return text_.substr(start);
}

std::optional<std::string_view> NameAfter(std::string_view words, std::string_view statement) {
  if (!statement.starts_with(words)) return std::nullopt;
  statement.remove_prefix(words.size());
  PsqlLexer lexer(statement);
  size_t end = 0;
  for (Token token = lexer.Next(); token.kind == Kind::kWord || token.kind == Kind::kName || token.text == ".";
       token = lexer.Next()) {
    end = lexer.position();
  }
  return statement.substr(0, end);
}

std::optional<std::string_view> TakeNameAfter(std::string_view words, std::string_view* statement) {
  const std::optional<std::string_view> name = NameAfter(words, *statement);
  if (name) statement->remove_prefix(words.size() + name->size());
  return name;
}

std::vector<std::string> NameParts(std::string_view name) {
  std::vector<std::string> parts;
  PsqlLexer lexer(name);
  for (Token token = lexer.Next(); token.kind != Kind::kEnd; token = lexer.Next()) {
    if (token.text == ".") continue;
    std::string part;
    const bool quoted = token.kind == Kind::kName && token.text.size() >= 2;
    const std::string_view text = quoted ? token.text.substr(1, token.text.size() - 2) : token.text;
    for (size_t i = 0; i < text.size(); ++i) {
      part.push_back(text[i]);
      if (quoted && text[i] == '"') ++i;
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace rotv::formats
