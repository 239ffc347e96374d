// What makes a source's description unusable, wherever it was written. Pure: nothing is opened or looked up.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sync/context/source_config.h"

namespace rotv::config {

struct SourceProblem {
  std::string key;      // The key of rotv.toml that is at fault.
  std::string message;  // Without the value: it could hold a password.
  std::string hint;
};

// The first thing wrong with `source`; nothing if it can be used.
std::optional<SourceProblem> CheckSource(const SourceConfig& source);

inline constexpr std::string_view kPasswordHint =
    "take it out; give it in PGPASSWORD or in a pgpass file (~/.pgpass, mode 0600)";

}  // namespace rotv::config
