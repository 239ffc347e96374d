// Makes the masker of a rule for a column.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sync/context/mask_rule.h"
#include "sync/mask/keyed_hash.h"
#include "sync/mask/masker.h"

namespace rotv::mask {

// Throws kUsage if this rule cannot mask such a column: its values would not fit, or would not be unique where they
// must be. Must not be called for rules of tables, nor for kKeep.
std::unique_ptr<const Masker> MakeMasker(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

// Gives the revision of the values that the rule makes for a type. Another revision makes other values of some.
uint32_t RevisionOf(const MaskRule& rule, const std::string& type);

}  // namespace rotv::mask
