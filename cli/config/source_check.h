// Checks the description of a source, wherever it was written. Pure: nothing is opened or looked up.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sync/context/source_config.h"

namespace rotv::config {

struct SourceProblem {
  std::string key;      // The key of rotv.toml that is at fault.
  std::string message;  // Without the value, which could contain a password.
  std::string hint;
};

// Returns the first problem of `source`; nothing if it can be used.
std::optional<SourceProblem> CheckSource(const SourceConfig& source);

inline constexpr std::string_view kPasswordHint =
    "remove it; give it in PGPASSWORD or in a pgpass file (~/.pgpass, mode 0600)";

}  // namespace rotv::config
