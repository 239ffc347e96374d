// Numbers and dates that stay near what they were.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// What comes is closer to the value than rule.by (days). Different values stay different, but for floating point. Both
// throw kUsage as MakeMasker() does.

// For kNumber on whole numbers, numeric and floating point.
std::unique_ptr<const Masker> MakeNumberNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
// For kDate on dates and timestamps, whose time of day stays.
std::unique_ptr<const Masker> MakeDateNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
