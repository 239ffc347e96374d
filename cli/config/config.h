// Reads rotv.toml, or the variables that are used if there is none: the source that a command works on, and the
// application that is started on its data.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/config/app_config.h"
#include "cli/config/drift_config.h"
#include "os/environment.h"
#include "sync/context/source_config.h"

namespace rotv::config {

struct ConfigRequest {
  std::string config;                     // --config; empty: $ROTV_CONFIG, else ./rotv.toml, else HOME/rotv.toml.
  std::string source;                     // --source; empty: the only one, else "production".
  std::filesystem::path home;             // The result of ResolveHome().
  std::filesystem::path directory = ".";  // Where ./rotv.toml, .env and backend/.env are looked for.
  os::Environment environment;
};

// Returns the source that the request names, or the default one. Everything in the file is checked, not only what is
// asked for. Paths are absolute or relative to the working directory, with "~" replaced.
// Throws kUsage, with file and line if there is one, if a file that was named is missing, if a file has an unknown key,
// a wrong value or a password, and if there is no such source.
SourceConfig ReadSource(const ConfigRequest& request);

// Returns all sources, ordered by name, whatever `request.source` says. Throws like ReadSource().
std::vector<SourceConfig> ReadSources(const ConfigRequest& request);

// The config file, absolute; empty if there is none and the variables are used.
std::filesystem::path ConfigFilePath(const ConfigRequest& request);

// The names of the sources in the config or the variables, without imported ones; none if nothing is configured.
std::vector<std::string> ConfiguredSources(const ConfigRequest& request);

// The [app] section of the same file, or its defaults if there is none. No source is needed. `directory` is absolute.
// Throws kUsage like ReadSource().
AppConfig ReadApp(const ConfigRequest& request);

// The [schema] section of the same file, or its defaults if there is none.
DriftConfig ReadDrift(const ConfigRequest& request);

// The default compression of seeds: $ROTV_SEED_COMPRESSION, else "compression" in [app], else none. Throws kUsage if
// the variable is not none, zstd or gzip, and like ReadSource().
Compression ReadSeedCompression(const ConfigRequest& request);

}  // namespace rotv::config
