// Reads [hooks] of rotv.toml.

#pragma once

#include "cli/config/config_values.h"
#include "cli/config/hook_config.h"

namespace rotv::config {

// Throws kUsage, naming file and line. `file` of the result is left empty.
HookConfig ReadHookSection(const toml::table& table, const ConfigValues& values);

// Throws kUsage if somebody else could have written this file: a directory that others write to may have a rotv.toml of
// theirs, and the hooks in it would run with our rights.
void RequireOwnHooks(const HookConfig& hooks);

}  // namespace rotv::config
