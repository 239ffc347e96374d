// Formats what doctor found as text and as JSON.

#pragma once

#include <string>

#include "cli/output/output.h"
#include "cli/output/terminal.h"
#include "sync/doctor.h"

namespace rotv::report {

enum class Detail { kProblemsFirst, kEverything };

// The text has one line per check and per table, in aligned columns; a problem comes with the statement that fixes it.
// With kProblemsFirst, and 60 tables or more, only tables with a remark are listed.
std::string DoctorText(const DoctorReport& report, Detail detail, const output::TextStyle& style);
output::Json DoctorJson(const DoctorReport& report);

}  // namespace rotv::report
