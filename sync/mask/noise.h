// Makes maskers that add noise: numbers and dates stay near their original values.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// Makes the masker of kNumber on integers, numeric and floating point, and of kDate on dates and timestamps, whose time
// of day stays. A masked value differs from the original by less than rule.by (days). Different values stay different,
// except for floating point. Throws kUsage as MakeMasker() does.
std::unique_ptr<const Masker> MakeNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
