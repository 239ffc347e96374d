// Judges by their names whether columns, attributes of row types and members of documents hold personal data. Pure.

#pragma once

#include <string>
#include <string_view>

#include "sync/mask/pii_types.h"

namespace rotv::mask {

// Returns the rule for something with such a name and such values: "email"; it need not fit the column's type. Empty if
// nothing is suspected. Names are English, German, French, Spanish, Italian, Portuguese or Dutch, in any case.
std::string SuspectName(std::string_view name, TypePart::Kind kind);

}  // namespace rotv::mask
