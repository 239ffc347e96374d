// Guesses what a mistyped word was meant to be.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rotv::output {

// The candidate nearest to `word`, if one is near enough to be a slip of the fingers; else empty.
std::string NearestWord(std::string_view word, const std::vector<std::string>& candidates);

// "did you mean "x"?" where a candidate is near, else "`otherwise`: a, b, c".
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates, std::string_view otherwise);

}  // namespace rotv::output
