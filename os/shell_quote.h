// Words for a POSIX shell. Pure.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rotv::os {

// `word` so that a shell takes it as one word with exactly these bytes: as it is where nothing in it is special, else
// in single quotes. The bytes may be any but NUL.
std::string ShellQuote(std::string_view word);

// The words quoted, with a space between.
std::string ShellJoin(const std::vector<std::string>& words);

}  // namespace rotv::os
