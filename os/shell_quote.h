// Quotes words for a POSIX shell. Pure.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rotv::os {

// Quotes `word` so that a shell reads it as one word with exactly these bytes: unchanged if nothing in it is special,
// else in single quotes. Any byte but NUL is allowed.
std::string ShellQuote(std::string_view word);

// Quotes the words and joins them with spaces.
std::string ShellJoin(const std::vector<std::string>& words);

}  // namespace rotv::os
