// Writes a difference as one self-contained page for a browser.

#pragma once

#include <string>

#include "cli/output/output.h"

namespace rotv::report {

// `diff` is the result of DiffJson().
std::string DiffPage(const output::Json& diff);

}  // namespace rotv::report
