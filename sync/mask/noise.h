// Numbers and dates that stay near what they were.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// For kNumber on whole numbers, numeric and floating point, and kDate on dates and timestamps, whose time of day stays.
// What comes is closer to the value than rule.by (days). Different values stay different, but for floating point.
// Throws kUsage as MakeMasker() does.
std::unique_ptr<const Masker> MakeNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
