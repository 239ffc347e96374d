// rotv.toml, or the variables that serve where there is none, to the one source that a command works on, and to the
// application that is started on its data.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
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

// The config of one run. The first question looks for the file and the variables and reads them; everything else is
// answered from what was read then, so that a command never follows two states of a file. What was imported is looked
// up at each question: a command may change it. For one thread.
//
// Everything in the file is checked, not only what is asked for. Paths come back absolute or relative to the working
// directory, with "~" replaced. All of these throw kUsage, with file and line where there is one, if a file that was
// named is missing, or if a file holds anything unknown, wrong or a password.
class Config {
 public:
  explicit Config(ConfigRequest request);
  ~Config();
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  // The one that is asked for: by the request, or by `name`. Throws kUsage if there is no such source.
  SourceConfig Source() const;
  SourceConfig Source(const std::string& name) const;

  // All of them, by name, whatever the request says. Throws kUsage if there is none.
  std::vector<SourceConfig> Sources() const;

  // The file that they come from, absolute; empty where the variables serve.
  std::filesystem::path FilePath() const;

  // The names of those in the config or the variables, without imported ones; none where nothing is configured.
  std::vector<std::string> ConfiguredSources() const;

  // The [app] section of the same file, or its defaults where there is none: no source is needed. `directory` is
  // absolute.
  AppConfig App() const;

  // The [schema] section of the same file, likewise.
  DriftConfig Drift() const;

  // How seeds are compressed where nothing else is said: $ROTV_SEED_COMPRESSION, else "compression" in [app], else not.
  // Throws kUsage if the variable is neither none, zstd nor gzip.
  Compression SeedCompression() const;

  const ConfigRequest& request() const { return request_; }

 private:
  struct Read;
  const Read& Reading() const;
  const std::map<std::string, SourceConfig>& Configured() const;
  std::map<std::string, SourceConfig> All() const;
  std::vector<SourceAddress> Addresses() const;

  const ConfigRequest request_;
  const std::unique_ptr<Read> read_;
};

}  // namespace rotv::config
