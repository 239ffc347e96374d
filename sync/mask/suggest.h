// Looks for columns that may hold personal data.

#pragma once

#include <string>
#include <vector>

#include "sync/context.h"

namespace rotv {

struct MaskSuggestion {
  std::string pattern;  // As a key of [mask]: public.users.email
  std::string rule;  // As a value: "email" in quotes, or a table. Empty: something was found that no rule is known for.
  std::string reason;  // For people, without any value: "its name; 187 of 200 values are e-mail addresses".
};

// Reads the catalogue, and at most kSampledRows rows of each table of which rows would be kept; changes nothing. The
// columns that a suggested one references, or is referenced by, are suggested with it. Throws what SourceSession does.
std::vector<MaskSuggestion> SuggestMasks(const Context& context);

inline constexpr int kSampledRows = 200;

}  // namespace rotv
