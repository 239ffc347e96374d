// Extreme values of each type, and the masking rules that take them: for tests of the rules alone, and on a real
// server.

#pragma once

#include <string>
#include <vector>

#include "sync/mask/masker.h"

namespace rotv::testing {

struct MaskedType {
  std::vector<mask::MaskColumn> columns;  // Columns of these values.
  std::vector<MaskRule> rules;            // Rules that take the columns.
  std::vector<std::string> values;        // In the server's output form.
};

// A rule for the column public.t.c.
MaskRule PlainRule(MaskKind kind, const std::string& name, int64_t by = 100);

// The rule as rotv.toml has it: { rule = "number", by = 100 }.
std::string AsToml(const MaskRule& rule);

// `long_text` values have this many bytes.
std::vector<MaskedType> MaskedTypes(size_t long_text = 1 << 20);

}  // namespace rotv::testing
