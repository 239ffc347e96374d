// Text of the same length and shape: letters become letters, digits become digits, and all else stays.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv {

// Different texts stay different. A text without anything to replace stays as it is.
std::unique_ptr<const Masker> MakeTextMasker(const MaskSecret& secret);

}  // namespace rotv
