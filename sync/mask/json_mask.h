// Masks parts of JSON documents.

#pragma once

#include <memory>

#include "sync/mask/masker.h"

namespace rotv::mask {

// Makes the masker of kJson on json and jsonb. Every text and number at a path of the rule, or below it, is masked by
// the path's rule; everything else keeps its value, numbers to the last digit. A document that cannot be read (not
// UTF-8, a number beyond 1e308), or would become larger than a field can be, becomes null. The work is linear in the
// document's length, and each value of the output is at most as long as the path's rule makes it. Throws kUsage as
// MakeMasker() does.
//   $.user.email       a member of a member
//   $.orders[*].phone  of each element; $.orders[3] of one
//   $.*.name           of each member
//   $..email           at any depth
// `make_masker` makes the maskers of the paths' rules: MakeMasker(), which is in a module above this one.
using MaskerFactory = std::unique_ptr<const Masker> (*)(const MaskRule& rule, const MaskColumn& column,
                                                        const MaskSecret& secret);
std::unique_ptr<const Masker> MakeJsonMasker(const MaskRule& rule, const MaskSecret& secret, MaskerFactory make_masker);

}  // namespace rotv::mask
