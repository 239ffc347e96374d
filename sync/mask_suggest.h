// Suggests rules for columns that may hold personal data.

#pragma once

#include <vector>

#include "sync/context/context.h"
#include "sync/mask/pii_detection.h"

namespace rotv {

// Returns what PII detection finds on the source: the columns that `mask_unknown = "refuse"` refuses, with a rule for
// each. Reads the catalogue and samples of the tables; changes nothing. Throws what SourceSession does, and kUsage if a
// rule in the config does not fit.
std::vector<mask::PiiRule> SuggestMasks(const Context& context);

}  // namespace rotv
