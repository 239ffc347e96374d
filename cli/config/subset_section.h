// The [subset] section of rotv.toml.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config/config_values.h"
#include "sync/context/subset_config.h"

namespace rotv::config {

// Parts of it that [remotes.NAME] has, too. `pattern` is of a table: "public.users".
SubsetTable ReadTableName(const toml::key& key, std::string_view pattern, const ConfigValues& values);
uint32_t ReadPercent(const toml::key& key, const toml::node& node, const ConfigValues& values);  // In millionths.
std::vector<std::string> ReadConditions(const toml::key& key, const toml::node& node, const ConfigValues& values);

// Checks the form. Whether the tables and columns exist, only a schema can tell.
SubsetConfig ReadSubsetSection(const toml::table& table, const ConfigValues& values);

}  // namespace rotv::config
