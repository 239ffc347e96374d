// Makes foreign keys of a dump NOT VALID, so that an import does not check its rows against them. Pure: no I/O.

#pragma once

#include <set>
#include <string>
#include <string_view>

#include "sync/formats/foreign_keys.h"

namespace rotv::formats {

// Returns a dump's text after the rows with these foreign keys NOT VALID. `standard_strings` is the source's
// standard_conforming_strings.
std::string WithNotValidKeys(std::string_view post_data, const std::set<ConstraintName>& keys, bool standard_strings);

}  // namespace rotv::formats
