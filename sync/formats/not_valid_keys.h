// Makes foreign keys of a dump NOT VALID, so that an import does not check its rows against them. Pure: no I/O.

#pragma once

#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace rotv::formats {

// Schema and name of a table, and a constraint of it; unquoted.
using ConstraintName = std::tuple<std::string, std::string, std::string>;

// Returns a dump's text after the rows with these foreign keys NOT VALID. `standard_strings` is the source's
// standard_conforming_strings.
std::string WithNotValidKeys(std::string_view post_data, const std::set<ConstraintName>& keys, bool standard_strings);

}  // namespace rotv::formats
