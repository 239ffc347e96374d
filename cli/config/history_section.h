// Reads [history] of rotv.toml.

#pragma once

#include "cli/config/config_values.h"
#include "sync/context/source_config.h"

namespace rotv::config {

// Throws kUsage, naming file and line.
HistoryConfig ReadHistorySection(const toml::table& table, const ConfigValues& values);

}  // namespace rotv::config
