#include "sync/formats/psql_lexer.h"

#include <algorithm>

// A schema from the source is run by psql, which executes commands of its own in it (\! runs a shell). So it must be
// known of every byte whether psql takes it for a command, a literal or SQL, and that is decided by psql's lexer and no
// other; a lexer of the server, or a search for lines that begin with a backslash, would differ from it somewhere. The
// rules are those of psqlscan.l. Where its versions differ, or where a variable would be interpolated, the token is
// kUnclear and the caller refuses the text: it errs to the safe side. A random test compares with the real psql.

namespace rotv::formats {
namespace {

bool IsDigit(char byte) { return byte >= '0' && byte <= '9'; }
bool IsUpper(char byte) { return byte >= 'A' && byte <= 'Z'; }
bool IsWordStart(char byte) {
  return (byte >= 'a' && byte <= 'z') || IsUpper(byte) || byte == '_' || static_cast<unsigned char>(byte) >= 0x80;
}
bool IsTagByte(char byte) { return IsWordStart(byte) || IsDigit(byte); }
bool IsWordByte(char byte) { return IsTagByte(byte) || byte == '$'; }
bool IsBlank(char byte) { return byte == ' ' || byte == '\t' || byte == '\f' || byte == '\v'; }

template <typename Belongs>
size_t EndOf(std::string_view text, size_t start, Belongs belongs) {
  while (start != text.size() && belongs(text[start])) ++start;
  return start;
}

}  // namespace

PsqlLexer::Token PsqlLexer::Take(Kind kind, size_t end, bool closed) {
  Token token{.kind = kind, .text = text_.substr(position_, end - position_), .closed = closed};
  position_ = end;
  return token;
}

PsqlLexer::Token PsqlLexer::Next() {
  if (done()) return {};
  const char byte = text_[position_];
  if (IsWordStart(byte)) return TakeWord();
  if (IsBlank(byte)) return Take(Kind::kSpace, EndOf(text_, position_, IsBlank));
  if (IsDigit(byte) || (byte == '.' && IsDigit(At(position_ + 1)))) return TakeNumber();
  switch (byte) {
    case '\n':
      return Take(Kind::kNewline, position_ + 1);
    case '\'':
      return TakeQuoted(Kind::kString, position_, PlainEscapes());
    case '"':
      return TakeQuoted(Kind::kName, position_, Escapes::kNone);
    case '$':
      return TakeDollar();
    case '\\':
      return Take(Kind::kBackslash, position_ + 1);
    case ':':
      return TakeColon();
    case '\r':  // It ends a line for psql's lexer, but not for the code that reads lines.
      return Take(Kind::kUnclear, position_ + 1);
    default:
      if (StartsWith("--")) return TakeComment();
      if (StartsWith("/*")) return TakeBlockComment();
      return Take(Kind::kSign, position_ + 1);
  }
}

std::string_view PsqlLexer::SkipLine() {
  const size_t newline = text_.find('\n', position_);
  return Take(Kind::kSign, newline == std::string_view::npos ? text_.size() : newline + 1).text;
}

PsqlLexer::Token PsqlLexer::TakeQuoted(Kind kind, size_t quote, Escapes escapes) {
  const char mark = text_[quote];
  const std::string_view special = mark == '"' ? "\"" : escapes == Escapes::kBackslash ? "'\\" : "'";
  for (size_t at = quote + 1; (at = text_.find_first_of(special, at)) != std::string_view::npos;) {
    if (text_[at] == mark && At(at + 1) != mark) return Take(kind, at + 1);
    at = std::min(at + 2, text_.size());  // A pair of quotes, or an escape.
  }
  return Take(kind, text_.size(), /*closed=*/false);
}

PsqlLexer::Token PsqlLexer::TakeWord() {
  const size_t next = position_ + 1;
  if (At(next) == '\'') {
    switch (text_[position_]) {
      case 'e':
      case 'E':
        return TakeQuoted(Kind::kString, next, Escapes::kBackslash);
      case 'b':
      case 'B':
      case 'x':
      case 'X':
        return TakeQuoted(Kind::kString, next, Escapes::kNone);
      case 'n':
      case 'N':
        return TakeQuoted(Kind::kString, next, PlainEscapes());
      default:
        break;
    }
  }
  if ((text_[position_] == 'u' || text_[position_] == 'U') && At(next) == '&') {
    if (At(next + 1) == '\'') return TakeQuoted(Kind::kString, next + 1, Escapes::kNone);
    if (At(next + 1) == '"') return TakeQuoted(Kind::kName, next + 1, Escapes::kNone);
  }
  return Take(Kind::kWord, EndOf(text_, position_, IsWordByte));
}

// A word directly after a number is a token of its own for some versions, and part of the number for others.
PsqlLexer::Token PsqlLexer::TakeNumber() {
  size_t end = EndOf(text_, position_, [](char byte) { return IsDigit(byte) || byte == '.'; });
  if (At(end) == 'e' || At(end) == 'E') {
    const size_t sign = At(end + 1) == '+' || At(end + 1) == '-' ? 1 : 0;
    if (IsDigit(At(end + 1 + sign))) end = EndOf(text_, end + 1 + sign, IsDigit);
  }
  return Take(IsWordByte(At(end)) ? Kind::kUnclear : Kind::kNumber, end);
}

PsqlLexer::Token PsqlLexer::TakeDollar() {
  const size_t tag_end = EndOf(text_, position_ + 1, IsTagByte);
  const bool is_parameter = IsDigit(At(position_ + 1));
  if (At(tag_end) != '$' || is_parameter) return Take(Kind::kSign, position_ + 1);
  const std::string_view tag = text_.substr(position_, tag_end + 1 - position_);
  const size_t close = text_.find(tag, tag_end + 1);
  if (close == std::string_view::npos) return Take(Kind::kDollar, text_.size(), /*closed=*/false);
  return Take(Kind::kDollar, close + tag.size());
}

PsqlLexer::Token PsqlLexer::TakeComment() {
  return Take(Kind::kComment, std::min(text_.find_first_of("\n\r", position_), text_.size()));
}

PsqlLexer::Token PsqlLexer::TakeBlockComment() {
  size_t at = position_ + 2;
  for (int depth = 1; depth != 0; at += 2) {
    at = text_.find_first_of("*/", at);
    if (at == std::string_view::npos) return Take(Kind::kComment, text_.size(), /*closed=*/false);
    if (text_.substr(at, 2) == "/*") {
      ++depth;
    } else if (text_.substr(at, 2) == "*/") {
      --depth;
    } else {
      --at;  // Only one of the two bytes.
    }
  }
  return Take(Kind::kComment, at);
}

// psql takes :NAME for one token, replaces it by a variable's value, and looks for commands in that. Its own variables,
// of which one holds the last error's text, have upper case names, which SQL written by a server has only in quotes.
PsqlLexer::Token PsqlLexer::TakeColon() {
  if (StartsWith("::")) return Take(Kind::kSign, position_ + 2);
  const Kind kind = IsUpper(At(position_ + 1)) ? Kind::kUnclear : Kind::kSign;
  return Take(kind, EndOf(text_, position_ + 1, IsTagByte));
}

}  // namespace rotv::formats
