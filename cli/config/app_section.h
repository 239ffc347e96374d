// The [app] section of rotv.toml.

#pragma once

#include <optional>
#include <string_view>

#include "cli/config/app_config.h"
#include "cli/config/config_values.h"

namespace rotv::config {

AppConfig ReadAppSection(const toml::table& table, const ConfigValues& values);

// Parses "none", "zstd" and "gzip"; returns nothing for any other name.
std::optional<Compression> CompressionNamed(std::string_view name);

}  // namespace rotv::config
