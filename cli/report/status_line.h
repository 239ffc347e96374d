// One line of a status.

#pragma once

#include <string>
#include <string_view>

namespace rotv::report {

// The label is in a column of its own; empty in a line that goes on with the one before.
std::string StatusLine(std::string_view label, std::string_view text);

}  // namespace rotv::report
