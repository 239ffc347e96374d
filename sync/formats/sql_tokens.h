// What a text in SQL or PL/pgSQL says, apart from its formatting. Pure.

#pragma once

#include <string>
#include <string_view>

namespace rotv::formats {

// The tokens of `sql`, one space between each two: white space and comments are gone, literals, quoted names and
// dollar-quoted texts are as they were. Upper and lower case stay. Two texts with the same tokens mean the same; the
// result is for comparison alone.
std::string SqlTokens(std::string_view sql);

}  // namespace rotv::formats
