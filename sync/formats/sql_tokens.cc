#include "sync/formats/sql_tokens.h"

#include <algorithm>

// This is no second PsqlLexer. That one says what psql takes for a command of its own; this one says whether two texts
// differ in more than their formatting, also in PL/pgSQL, which psql does not read. So a carriage return is white space
// here, and "1..10" and "1 .. 10", "a[1:N]" and "a[1 : N]" have the same tokens.

namespace rotv::formats {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Each of the following functions gives the end of the item that begins at `at`, or that of the text if it is not
// closed.

size_t EndOfBlockComment(std::string_view sql, size_t at) {
  int depth = 0;  // They nest.
  while (at < sql.size()) {
    if (sql.substr(at, 2) == "/*") {
      ++depth, at += 2;
    } else if (sql.substr(at, 2) == "*/") {
      at += 2;
      if (--depth == 0) return at;
    } else {
      ++at;
    }
  }
  return sql.size();
}

size_t EndOfQuoted(std::string_view sql, size_t at, bool escapes) {
  const char quote = sql[at];
  for (++at; at < sql.size(); ++at) {
    if (escapes && sql[at] == '\\') {
      ++at;
    } else if (sql[at] == quote) {
      return at + 1;  // A doubled quote ends this token and begins the next one, which compares the same.
    }
  }
  return sql.size();
}

// Returns `at` if no dollar quote begins there: $1, $.
size_t EndOfDollarQuoted(std::string_view sql, size_t at) {
  size_t close = at + 1;
  while (close < sql.size() && IsWord(sql[close])) ++close;
  bool is_tag = close < sql.size() && sql[close] == '$' && !(sql[at + 1] >= '0' && sql[at + 1] <= '9');
  if (!is_tag) return at;
  std::string_view tag = sql.substr(at, close + 1 - at);
  size_t end = sql.find(tag, close + 1);
  return end == std::string_view::npos ? sql.size() : end + tag.size();
}

size_t EndOfWord(std::string_view sql, size_t at) {
  while (at < sql.size() && (IsWord(sql[at]) || sql[at] == '$')) ++at;
  return at;
}

// Skips white space and comments.
size_t NextToken(std::string_view sql, size_t at) {
  while (at < sql.size()) {
    if (IsSpace(sql[at])) {
      ++at;
    } else if (sql.substr(at, 2) == "--") {
      at = std::min(sql.find('\n', at), sql.size());
    } else if (sql.substr(at, 2) == "/*") {
      at = EndOfBlockComment(sql, at);
    } else {
      break;
    }
  }
  return at;
}

size_t EndOfToken(std::string_view sql, size_t at) {
  const char c = sql[at];
  // E'…' is one token, since its backslashes are escapes.
  if ((c == 'e' || c == 'E') && sql.substr(at + 1, 1) == "'") return EndOfQuoted(sql, at + 1, true);
  if (c == '\'' || c == '"') return EndOfQuoted(sql, at, false);
  if (c == '$') {
    size_t end = EndOfDollarQuoted(sql, at);
    return end == at ? EndOfWord(sql, at + 1) : end;
  }
  return IsWord(c) ? EndOfWord(sql, at) : at + 1;
}

}  // namespace

std::string SqlTokens(std::string_view sql) {
  std::string tokens;
  size_t end = 0;
  for (size_t at = NextToken(sql, 0); at < sql.size(); at = NextToken(sql, end)) {
    // 'it''s' is one literal, and 'it' 's' are two.
    if (!tokens.empty() && !(at == end && sql[at] == '\'' && sql[at - 1] == '\'')) tokens += ' ';
    end = EndOfToken(sql, at);
    tokens += sql.substr(at, end - at);
  }
  return tokens;
}

}  // namespace rotv::formats
