// Reads [remotes.NAME] of rotv.toml.

#pragma once

#include <map>
#include <string>

#include "cli/config/config_values.h"
#include "sync/publish.h"

namespace rotv::config {

// Throws kUsage, naming file and line.
std::map<std::string, RemoteConfig> ReadRemotes(const toml::table& table, const ConfigValues& values);

// Returns the directory that a URL of a remote means, absolute or relative to the working directory: "/srv/history",
// "~/history", "file:///srv/history". Throws kUsage at `key` if it is anything else.
std::string RemoteUrl(const toml::key& key, const std::string& url, const ConfigValues& values);

}  // namespace rotv::config
