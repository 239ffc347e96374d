// The result of a preflight: what was checked, and what was found.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/error.h"
#include "sync/context/link_error.h"

namespace rotv::capture {

enum class WalLimit { kRequired, kUnlimitedAllowed };

struct Check {
  enum class Outcome { kOk, kWarning, kProblem };
  Outcome outcome = Outcome::kOk;
  std::string name;                          // "wal_level", "publication", "public.notes"
  std::string message;                       // What was found.
  std::string fix;                           // The exact statement or command that fixes it; empty if ok.
  ErrorCode code = ErrorCode::kRefused;      // The error that baseline would end with; for kProblem only.
  std::optional<LinkError::Kind> link = {};  // Set if that error is a LinkError.
};

struct TableReport {
  std::string name;    // Quoted as SQL needs it.
  std::string follow;  // FollowText().
  std::string reason;
  int64_t rows_estimate = 0;
  int64_t bytes = 0;
  Check::Outcome outcome = Check::Outcome::kOk;
  std::string fix;
};

}  // namespace rotv::capture
