// What doctor found, for people and for programs.

#pragma once

#include <string>

#include "cli/output/output.h"
#include "cli/output/terminal.h"
#include "sync/doctor.h"

namespace rotv::report {

enum class Detail { kProblemsFirst, kEverything };

// A line a check and a table, columns aligned; what needs hands comes with its statement. With kProblemsFirst, where
// there are 60 tables or more, only those with something to say are listed.
std::string DoctorText(const DoctorReport& report, Detail detail, const output::TextStyle& style);
output::Json DoctorJson(const DoctorReport& report);

}  // namespace rotv::report
