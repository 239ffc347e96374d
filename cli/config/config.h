// Reads rotv.toml, or the variables that are used if there is none: the source that a command works on, and the
// application that is started on its data.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/config/app_config.h"
#include "cli/config/drift_config.h"
#include "cli/config/env_file.h"
#include "cli/config/hook_config.h"
#include "os/environment.h"
#include "sync/context/source_config.h"
#include "sync/publish.h"

namespace rotv::config {

struct ConfigRequest {
  std::string config;                     // --config; empty: $ROTV_CONFIG, else ./rotv.toml, else HOME/rotv.toml.
  std::string source;                     // --source; empty: the only one, else "production".
  std::filesystem::path home;             // The result of ResolveHome().
  std::filesystem::path directory = ".";  // Where ./rotv.toml, .env and backend/.env are looked for.
  os::Environment environment;
};

// The config of one run. The first call reads the file and the variables; every other one is answered from what was
// read then, so that a command never follows two states of a file. Imported sources are looked up by each call, since a
// command may change them. Only one thread may use it.
//
// Everything in the file is checked, not only what is asked for. Paths are absolute or relative to the working
// directory, with "~" replaced. All methods throw kUsage, with file and line if there is one, if a file that was named
// is missing, or if a file has an unknown key, a wrong value or a password.
class Config {
 public:
  explicit Config(ConfigRequest request);
  ~Config();
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  // From now on the request names this one, as --source does.
  void ChooseSource(const std::string& name) { request_.source = name; }

  // Returns the source that the request names, or the default one. Throws kUsage if there is no such source.
  SourceConfig Source() const;
  // The same for `name`; empty: the default one.
  SourceConfig Source(const std::string& name) const;

  // Returns all sources, ordered by name, whatever the request names. Throws kUsage if there is none.
  std::vector<SourceConfig> Sources() const;

  // The config file, absolute; empty if there is none and the variables are used.
  std::filesystem::path FilePath() const;

  // The names of the sources in the config or the variables, without imported ones; none if nothing is configured.
  std::vector<std::string> ConfiguredSources() const;

  // The remotes of the same file, ordered by name.
  std::vector<RemoteConfig> Remotes() const;

  // The [app] section of the same file, or its defaults if there is none. No source is needed. `directory` is absolute.
  AppConfig App() const;

  // The directory that commands of an application belong to: where the config is, unless that is in the home directory;
  // else the application's, as far as the config can be read. Absolute. Throws only if a file that was named is
  // missing.
  std::filesystem::path ProjectDirectory() const;

  // The [schema] section of the same file, or its defaults if there is none.
  DriftConfig Drift() const;

  // The [hooks] section of the same file; none if there is no such section. Throws kUsage, too, if somebody else could
  // have written the file.
  HookConfig Hooks() const;

  // The default compression of seeds: $ROTV_SEED_COMPRESSION, else "compression" in [app], else none. Throws kUsage if
  // the variable is not none, zstd or gzip.
  Compression SeedCompression() const;

  // The .env files that this and the application read.
  const EnvFiles& Variables() const { return variables_; }

  const ConfigRequest& request() const { return request_; }

 private:
  struct Read;
  const Read& Reading() const;
  const std::map<std::string, SourceConfig>& Configured() const;
  std::map<std::string, SourceConfig> All() const;
  std::vector<SourceAddress> Addresses() const;

  ConfigRequest request_;
  const EnvFiles variables_;
  const std::unique_ptr<Read> read_;
};

}  // namespace rotv::config
