// Makes fake values: their form is fixed by the rule, and which value it is depends on a hash alone.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// Makes the masker of kEmail, kName, kFirstName, kLastName, kAddress, kIp, kUrl, kUuid and kHash. Throws kUsage as
// MakeMasker() does.
std::unique_ptr<const Masker> MakeFakeValues(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
