// Texts that keep their length and shape.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// For kText and kPhone: every letter becomes one of the same script and case, every digit one; all else stays.
// Different texts stay different. Where the column ignores case, letters keep their case, which says nothing there: two
// texts become such that differ in case only if, and only if, they are.
std::unique_ptr<const Masker> MakeTextMasker(const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
