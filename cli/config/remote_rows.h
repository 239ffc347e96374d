// The keys of [remotes.NAME] that say which rows are published there: where, sample and exclude.

#pragma once

#include <optional>
#include <string>

#include "cli/config/config_values.h"
#include "sync/context/subset_config.h"

namespace rotv::config {

// Reads the key if it is one of them, and returns true. `section` is that of the remote: "[remotes.team]".
bool ReadRowsKey(const toml::key& key, const toml::node& node, const std::string& section, const ConfigValues& values,
                 std::optional<SubsetConfig>* rows);

}  // namespace rotv::config
