// Checks the source and this machine, and changes nothing.

#pragma once

#include <string>
#include <vector>

#include "storage/error.h"
#include "sync/capture/check.h"
#include "sync/context/context.h"

namespace rotv {

struct DoctorReport {
  std::string source;  // Link::Description().
  std::string server;  // "PostgreSQL 15.20, database rotv"
  std::vector<capture::Check> checks;
  std::vector<capture::TableReport> tables;

  // The first problem, if any: what baseline would fail with.
  const capture::Check* FirstProblem() const;
};

// A source that cannot be reached or refuses the login is a problem in the report, not an exception. `configured` are
// the names of all sources that there are.
DoctorReport Examine(const Context& context, const std::vector<std::string>& configured);

}  // namespace rotv
