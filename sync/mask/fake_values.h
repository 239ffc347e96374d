// Makes fake values: their form is fixed by the rule, and which value it is depends on a hash alone.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// Each makes the masker of the rule that it is named after. They throw kUsage as MakeMasker() does.
std::unique_ptr<const Masker> MakeEmail(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
std::unique_ptr<const Masker> MakeName(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
std::unique_ptr<const Masker> MakeFirstName(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
std::unique_ptr<const Masker> MakeLastName(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
std::unique_ptr<const Masker> MakeAddress(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
std::unique_ptr<const Masker> MakeUrl(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
std::unique_ptr<const Masker> MakeUuid(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
std::unique_ptr<const Masker> MakeIp(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);
std::unique_ptr<const Masker> MakeHash(const MaskRule& rule, const MaskColumn& column, const MaskSecret& secret);

}  // namespace rotv::mask
