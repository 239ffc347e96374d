// Reduces a text in SQL or PL/pgSQL to its tokens, without its formatting. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv::formats {

// The tokens of `sql` with one space between each two: white space and comments are removed; literals, quoted names and
// dollar-quoted texts stay unchanged, and so does the case of letters. Two texts with the same tokens mean the same.
// The result is for comparison only.
std::string SqlTokens(std::string_view sql);

}  // namespace rotv::formats
