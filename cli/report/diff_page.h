// A difference as one page for a browser, which needs nothing beside it.

#pragma once

#include <string>

#include "cli/output/output.h"

namespace rotv::report {

// `diff` is what DiffJson() gives.
std::string DiffPage(const output::Json& diff);

}  // namespace rotv::report
