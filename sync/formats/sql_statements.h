// Splits what pg_dump writes for a schema into statements, and finds the names in them. Pure: no I/O.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/formats/psql_lexer.h"

namespace rotv::formats {

// True for white space and comments.
bool SeparatesTokens(const PsqlLexer::Token& token);

// Bodies of functions with BEGIN ATOMIC come as several statements: none of these parts is one that defines or alters
// an object.
class SqlStatements {
 public:
  explicit SqlStatements(std::string_view text, bool standard_strings = true) : text_(text), lexer_(text) {
    lexer_.set_backslash_escapes(!standard_strings);
  }

  // Returns the next statement, from its first word to its semicolon; nullopt at the end of the text.
  std::optional<std::string_view> Next();

 private:
  std::string_view text_;
  PsqlLexer lexer_;
};

// Returns the name after `words`, with its schema and as it is written, if `statement` begins with them; the name may
// be empty.
std::optional<std::string_view> NameAfter(std::string_view words, std::string_view statement);

// The same, and removes words and name from the front of `statement`.
std::optional<std::string_view> TakeNameAfter(std::string_view words, std::string_view* statement);

// Returns the parts of a name, without quotes: {"public", "Odd.Name"}.
std::vector<std::string> NameParts(std::string_view name);

}  // namespace rotv::formats
