// Makes the masker of a rule for a column.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sync/context/mask_rule.h"
#include "sync/mask/keyed_hash.h"
#include "sync/mask/masker.h"

namespace rotv::mask {

// Throws kUsage if this rule cannot mask such a column: what it would give does not fit, or would not be unique where
// it must be. Not for rules of tables, and not for kKeep.
std::unique_ptr<const Masker> MakeMasker(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

// Which version of what the rule makes of such a column: another one makes other values of some.
uint32_t RevisionOf(const MaskRule& rule, const std::string& type);

}  // namespace rotv::mask
