// Values that are made up: what they look like is known, and which one it is depends on a hash alone.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// For kEmail, kName, kFirstName, kLastName, kAddress, kIp, kUrl, kUuid and kHash. Throws kUsage as MakeMasker() does.
std::unique_ptr<const Masker> MakeFakeValues(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
