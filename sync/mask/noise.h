// Makes maskers that add noise: numbers and dates stay near their original values.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// A masked value differs from the original by less than rule.by (days). Different values stay different, except for
// floating point. Both functions throw kUsage as MakeMasker() does.

// Makes the masker of kNumber on integers, numeric and floating point.
std::unique_ptr<const Masker> MakeNumberNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
// Makes the masker of kDate on dates and timestamps, whose time of day stays.
std::unique_ptr<const Masker> MakeDateNoise(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
