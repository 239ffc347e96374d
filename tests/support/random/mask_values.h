// Values at the ends of what types hold, and the masking rules that take them: for tests of the rules alone, and on a
// real server.

#pragma once

#include <string>
#include <vector>

#include "sync/mask/masker.h"

namespace rotv::testing {

struct MaskedType {
  std::vector<mask::MaskColumn> columns;  // Of the same values.
  std::vector<MaskRule> rules;            // That take them.
  std::vector<std::string> values;        // As the server writes them.
};

// `long_text` values have this many bytes.
std::vector<MaskedType> MaskedTypes(size_t long_text = 1 << 20);

}  // namespace rotv::testing
