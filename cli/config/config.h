// rotv.toml, or the variables that serve where there is none, to the one source that a command works on, and to the
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
  std::filesystem::path home;             // As ResolveHome() gives it.
  std::filesystem::path directory = ".";  // Where ./rotv.toml, .env and backend/.env are looked for.
  os::Environment environment;
};

// Everything in the file is checked, not only what is asked for. Paths come back absolute or relative to the working
// directory, with "~" replaced.
// Throws kUsage, with file and line where there is one, if a file that was named is missing, if a file holds anything
// unknown, wrong, a password or masking rules, and if there is no such source.
SourceConfig ReadSource(const ConfigRequest& request);

// All of them, by name, whatever `request.source` says. Throws as ReadSource() does.
std::vector<SourceConfig> ReadSources(const ConfigRequest& request);

// The file that they come from, absolute; empty where the variables serve.
std::filesystem::path ConfigFilePath(const ConfigRequest& request);

// The names of those in the config or the variables, without imported ones; none where nothing is configured.
std::vector<std::string> ConfiguredSources(const ConfigRequest& request);

// The [app] section of the same file, or its defaults where there is none: no source is needed. `directory` is
// absolute. Throws kUsage as ReadSource() does.
AppConfig ReadApp(const ConfigRequest& request);

// The [schema] section of the same file, likewise.
DriftConfig ReadDrift(const ConfigRequest& request);

// How seeds are compressed where nothing else is said: $ROTV_SEED_COMPRESSION, else "compression" in [app], else not.
// Throws kUsage if the variable is neither none, zstd nor gzip, and as ReadSource() does.
Compression ReadSeedCompression(const ConfigRequest& request);

}  // namespace rotv::config
