// Guesses what a mistyped word was meant to be.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rotv::output {

// The candidate nearest to `word` if it is near enough to be a typing error; else empty.
std::string NearestWord(std::string_view word, const std::vector<std::string>& candidates);

// Returns "did you mean "x"?" if a candidate is near, else "`otherwise`: a, b, c".
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates, std::string_view otherwise);

}  // namespace rotv::output
