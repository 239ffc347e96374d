// The [subset] section of rotv.toml.

#pragma once

#include "cli/config/config_values.h"
#include "sync/context/subset_config.h"

namespace rotv::config {

// Checks the form. Whether the tables and columns exist, only a schema can tell.
SubsetConfig ReadSubsetSection(const toml::table& table, const ConfigValues& values);

}  // namespace rotv::config
