// PsqlLexer splits SQL into tokens like psql does before it sends it: the ends of tokens decide whether text is a
// statement, a command of psql itself, or quoted and neither. Pure: no I/O.
// Format: psql's psqlscan.l, versions 13 to 18. psql scans line by line, so a string literal on the next line does not
// continue one on this line.

#pragma once

#include <cstddef>
#include <string_view>

namespace rotv::formats {

class PsqlLexer {
 public:
  enum class Kind {
    kEnd,
    kSpace,    // Blanks, tabs and the like; no newline.
    kNewline,  // One \n.
    kComment,  // -- without its newline, or /* */.
    kWord,     // An unquoted name or keyword.
    kNumber,
    kString,     // Every form of '...', with its prefix.
    kName,       // "..." or U&"...".
    kDollar,     // $tag$...$tag$
    kBackslash,  // Outside of all those: psql takes the text after it as a command of its own.
    kSign,       // Anything else: mostly one byte.
    kUnclear,    // Text that versions of psql split differently, or that psql may replace by a variable.
  };
  struct Token {
    Kind kind = Kind::kEnd;
    std::string_view text;  // Points into the text given.
    bool closed = true;     // False if the text ends within quotes or a comment.
  };

  explicit PsqlLexer(std::string_view text) : text_(text) {}

  Token Next();

  // Skips the rest of the line and returns it, with its newline if it has one.
  std::string_view SkipLine();

  size_t position() const { return position_; }
  bool done() const { return position_ == text_.size(); }

  // True: a backslash is an escape in every string, like after SET standard_conforming_strings = off.
  void set_backslash_escapes(bool value) { backslash_escapes_ = value; }

 private:
  enum class Escapes { kNone, kBackslash };

  char At(size_t position) const { return position < text_.size() ? text_[position] : '\0'; }
  bool StartsWith(std::string_view what) const { return text_.substr(position_).starts_with(what); }
  Token Take(Kind kind, size_t end, bool closed = true);
  Token TakeQuoted(Kind kind, size_t quote, Escapes escapes);
  Token TakeWord();
  Token TakeNumber();
  Token TakeDollar();
  Token TakeComment();
  Token TakeBlockComment();
  Token TakeColon();
  Escapes PlainEscapes() const { return backslash_escapes_ ? Escapes::kBackslash : Escapes::kNone; }

  std::string_view text_;
  size_t position_ = 0;
  bool backslash_escapes_ = false;
};

}  // namespace rotv::formats
