// What names of columns, of a row type's attributes and of a document's members say of personal data. Pure.

#pragma once

#include <string>
#include <string_view>

#include "sync/mask/pii_types.h"

namespace rotv::mask {

// The rule for what has such a name and such values: "email"; it need not fit the column's type. Empty if nothing is
// suspected. Names are English, German, French, Spanish, Italian, Portuguese or Dutch, in whatever case.
std::string SuspectName(std::string_view name, TypePart::Kind kind);

}  // namespace rotv::mask
