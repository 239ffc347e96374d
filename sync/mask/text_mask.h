// Masks texts so that they keep their length and shape.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// Makes the masker of kText and kPhone: every letter becomes one of the same script and case, every digit a digit;
// everything else stays. Different texts stay different. If the column ignores case, letters keep their case, which
// carries no information there: two masked texts differ only in case if and only if the original ones do.
std::unique_ptr<const Masker> MakeTextMasker(const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
