// Checks the source and this machine, and changes nothing.

#pragma once

#include <string>
#include <vector>

#include "storage/error.h"
#include "sync/capture/check.h"
#include "sync/context/context.h"

namespace rotv {

struct DoctorReport {
  std::string source;           // Link::Description().
  std::string server;           // "PostgreSQL 15.20, database rotv"
  bool follows_remote = false;  // There is no server, and a pull is what would work or not.
  std::vector<capture::Check> checks;
  std::vector<capture::TableReport> tables;

  // Returns the first problem, with which baseline (or pull) would fail; null if there is none.
  const capture::Check* FirstProblem() const;
};

// Examines the source. A source that cannot be reached or refuses the login is a problem in the report, not an
// exception. `configured` are the names of all configured sources.
DoctorReport Examine(const Context& context, const std::vector<std::string>& configured);

}  // namespace rotv
