// .env files: KEY=VALUE lines, read as data and never by a shell, so that nothing in them can run.
//
//   KEY=value            up to the end of the line, without spaces at its end; " #" starts a comment
//   export KEY = value   "export" and spaces around '=' are allowed
//   KEY='value'          as it stands
//   KEY="value"          with \n \r \t \" \\ \$ \` ; another backslash stays
//
// A quoted value may go over several lines (keys in PEM do). `$NAME` is not replaced. The last of two equal keys
// counts.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "os/environment.h"
#include "sync/context/source_config.h"

namespace rotv::config {

// `file` is for errors only. Throws kUsage with the number of the malformed line, and never with its text: it may hold
// a password.
os::Environment ParseEnvFile(std::string_view text, const std::string& file);

// Nothing if there is no such file. Throws kUsage if it cannot be read or parsed.
std::optional<os::Environment> ReadEnvFile(const std::filesystem::path& path);

// The source `production` as PRODUCTION_HOST, PRODUCTION_PORT (of SSH), PRODUCTION_CONTAINER, PRODUCTION_USER (default
// root), PGDATABASE and PGUSER describe it, each from `environment`, else from `directory`/.env, else from
// `directory`/backend/.env. Nothing if PRODUCTION_HOST is in none of them. Throws kUsage for unusable values.
std::optional<SourceConfig> SourceFromVariables(const os::Environment& environment,
                                                const std::filesystem::path& directory);

}  // namespace rotv::config
