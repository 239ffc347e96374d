// Formats the result of a schema comparison as text and as JSON. Pure.

#pragma once

#include <string>

#include "cli/migrations/drift_check.h"
#include "cli/output/output.h"
#include "cli/output/terminal.h"

namespace rotv::report {

// Ends in a newline.
std::string DriftText(const migrations::DriftCheck& check, const std::string& source, const output::TextStyle& style);

output::Json DriftJson(const migrations::DriftCheck& check, const std::string& source);

}  // namespace rotv::report
