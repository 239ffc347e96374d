// The [schema] section of rotv.toml.

#pragma once

#include "cli/config_values.h"
#include "cli/drift/drift_config.h"

namespace rotv {

DriftConfig ReadDriftSection(const toml::table& table, const ConfigValues& values);

}  // namespace rotv
