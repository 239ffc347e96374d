// The [schema] section of rotv.toml.

#pragma once

#include "cli/config/config_values.h"
#include "cli/config/drift_config.h"

namespace rotv::config {

DriftConfig ReadDriftSection(const toml::table& table, const ConfigValues& values);

}  // namespace rotv::config
