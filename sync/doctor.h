// Checks the source and this machine, and changes nothing.

#pragma once

#include <string>
#include <vector>

#include "storage/error.h"
#include "sync/context/context.h"

namespace rotv {

struct Check {
  enum class Outcome { kOk, kWarning, kProblem };
  Outcome outcome = Outcome::kOk;
  std::string name;                      // "wal_level", "publication", "public.notes"
  std::string message;                   // What is so.
  std::string fix;                       // The exact statement or command that mends it; empty when ok.
  ErrorCode code = ErrorCode::kRefused;  // What baseline would fail with; for kProblem only.
};

struct TableReport {
  std::string name;    // Quoted as SQL needs it.
  std::string follow;  // As FollowText().
  std::string reason;
  int64_t rows_estimate = 0;
  int64_t bytes = 0;
  Check::Outcome outcome = Check::Outcome::kOk;
  std::string fix;
};

struct DoctorReport {
  std::string source;  // Link::Description().
  std::string server;  // "PostgreSQL 15.20, database rotv"
  std::vector<Check> checks;
  std::vector<TableReport> tables;

  // The first problem, if any: what baseline would fail with.
  const Check* FirstProblem() const;
};

// A source that cannot be reached or refuses the login is a problem in the report, not an exception. `configured` are
// the names of all sources that there are.
DoctorReport Examine(const Context& context, const std::vector<std::string>& configured);

}  // namespace rotv
