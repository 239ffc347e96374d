// Makes the masker of a rule for a column.

#pragma once

#include <memory>

#include "sync/context/mask_rule.h"
#include "sync/mask/keyed_hash.h"
#include "sync/mask/masker.h"

namespace rotv::mask {

// Throws kUsage if this rule cannot mask such a column: what it would give does not fit, or would not be unique where
// it must be. Not for rules of tables, and not for kKeep.
std::unique_ptr<const Masker> MakeMasker(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
