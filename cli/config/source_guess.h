// Guesses where a source is from what is here already, for a person to confirm.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/config/env_file.h"
#include "os/environment.h"
#include "sync/context/source_config.h"

namespace rotv::config {

struct SourceGuess {
  // `ssh` or `url` is set where something names a server that is not this machine; `database` and `user` may be those
  // of the application's own database. Never a password.
  SourceConfig source;
  std::string from;                    // What it was read from: "PRODUCTION_HOST", "DATABASE_URL"; empty: nothing.
  std::string problem;                 // Why PRODUCTION_* makes no source; empty if it does, or is not set.
  std::vector<std::string> ssh_hosts;  // The hosts that ~/.ssh/config names, without patterns, in its order.
};

// Reads the variables of SourceFromVariables() and DATABASE_URL, each from `environment`, else from `directory`/.env,
// else from `directory`/backend/.env, and ~/.ssh/config (without what it includes). Throws kUsage
// for a .env file that cannot be parsed; whatever else cannot be read is no guess.
SourceGuess GuessSource(const os::Environment& environment, const std::filesystem::path& directory,
                        const EnvFiles& files);

}  // namespace rotv::config
