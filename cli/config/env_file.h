// Reads .env files: KEY=VALUE lines, parsed as data and never by a shell, so that nothing in them can run.
//
//   KEY=value            up to the end of the line, without spaces at its end; " #" starts a comment
//   export KEY = value   "export" and spaces around '=' are allowed
//   KEY='value'          unchanged
//   KEY="value"          with \n \r \t \" \\ \$ \` ; any other backslash is kept
//
// A quoted value may have several lines (keys in PEM do). `$NAME` is not replaced. If a key is there twice, the last
// one wins.

#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "os/environment.h"
#include "sync/context/source_config.h"

namespace rotv::config {

// `file` is only for errors. Throws kUsage with the number of the malformed line, and never with its text, which may
// contain a password.
os::Environment ParseEnvFile(std::string_view text, const std::string& file);

// The .env files of one run. Each is read at its first use, and answers as it was then, so that a command never follows
// two states of a file. Only one thread may use it.
class EnvFiles {
 public:
  // Nothing if there is no such file. Throws kUsage if it cannot be read or parsed. Stays valid as long as this object.
  const std::optional<os::Environment>& Read(const std::filesystem::path& path) const;

 private:
  mutable std::map<std::filesystem::path, std::optional<os::Environment>> read_;  // By absolute path.
};

// Returns the source `production`, as described by PRODUCTION_HOST, PRODUCTION_PORT (of SSH), PRODUCTION_CONTAINER,
// PRODUCTION_USER (default root), PRODUCTION_PGHOST and PRODUCTION_PGPORT (PostgreSQL's, as seen from there; default:
// where it is found, and 5432), PGDATABASE and PGUSER: each from `environment`, else from `directory`/.env, else from
// `directory`/backend/.env. Returns nothing if PRODUCTION_HOST is in none of them. Throws kUsage for unusable values.
std::optional<SourceConfig> SourceFromVariables(const os::Environment& environment,
                                                const std::filesystem::path& directory, const EnvFiles& files);

}  // namespace rotv::config
