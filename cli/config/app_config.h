// What the config says of the application that `rotv start` runs on the seed. Plain data.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sync/context/source_address.h"
#include "sync/materialize.h"

namespace rotv::config {

// Which servers the variables of an application may name.
struct EnvironmentRules {
  std::vector<SourceAddress> sources;  // Where production is: none of them, but for what is
  std::vector<std::string> allowed;    // listed in allow_env of [app], and wanted as it is.
};

struct AppConfig {
  std::filesystem::path directory;       // Of the application; default: where rotv.toml is, else the working directory.
  std::string env_file;                  // Empty: DIRECTORY/.env, then DIRECTORY/backend/.env.
  std::string command;                   // Empty: what its package.json says. Not used by an image of its own.
  std::string image = "localhost/rotv";  // What `build` makes and `start` runs.
  std::string base_image;                // What `build` starts from; empty: the Containerfile's default.
  std::string database = "rotv";         // Beside it there is DATABASE_test.
  std::string health = "/api/health";    // Answers once the application works.
  int port = 8080;                       // On this machine's loopback.
  uint64_t tmpfs_bytes = 0;              // Of the database's tmpfs; 0: worked out from the seed.
  Compression compression = Compression::kNone;  // Of the seed.
  bool persistent = false;
  bool superuser = false;  // The application's role is one; else it owns its database, and that is all.
  EnvironmentRules environment_rules;
  bool keep_prepared = true;  // A ready cluster in HOME/prepared, for the next start.
};

}  // namespace rotv::config
