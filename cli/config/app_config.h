// The settings of the application that `rotv start` runs on the seed. Plain data.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sync/context/source_address.h"
#include "sync/materialize.h"

namespace rotv::config {

// The rules for an application's variables: which servers they must not name.
struct EnvironmentRules {
  std::vector<SourceAddress> sources;  // Where the sources are. No variable may name one, except those
  std::vector<std::string> allowed;    // listed in allow_env of [app], which are passed unchanged.
};

// How a start gets its files of a warm cluster: a copy where the data is small beside the memory, else an overlay.
enum class CloneChoice { kAuto, kCopy, kOverlay };

enum class Restart { kNo, kOnFailure, kAlways };

struct AppConfig {
  std::filesystem::path directory;       // The application's; default: where rotv.toml is, else the working directory.
  std::string env_file;                  // Empty: DIRECTORY/.env, then DIRECTORY/backend/.env.
  std::string command;                   // Empty: the one in package.json. An image with its own entrypoint ignores it.
  std::string image = "localhost/rotv";  // The image that `build` builds and `start` runs.
  bool image_is_named = false;           // By the config; otherwise further projects have others.
  bool browser = false;                  // The image has what Chromium needs.
  std::string base_image;                // The image that `build` starts from; empty: the Containerfile's default.
  std::string database = "rotv";         // A second database, DATABASE_test, is created too.
  std::string health = "/api/health";    // The path that answers once the application works.
  int port = 8080;                       // On this machine's loopback.
  int database_port = 0;                 // The database's on this machine's loopback, with a password; 0: none.
  uint64_t tmpfs_bytes = 0;              // Size of the database's tmpfs; 0: computed from the seed.
  Compression compression = Compression::kNone;  // Compression of the seed.
  bool persistent = false;
  Restart restart = Restart::kOnFailure;  // When an application on a persistent cluster is started again.
  bool superuser = false;  // The application's role is a superuser; otherwise it only owns its databases.
  // What the source's facts cannot say, or say otherwise. Settings of the server's configuration, by name; the source's
  // of the same name do not count.
  std::map<std::string, std::string> settings;
  std::vector<std::string> skip_extensions;  // Extensions of the source that are left out.
  std::string role;                          // The role of the source whose settings sessions get; empty: found.
  EnvironmentRules environment_rules;
  bool warm = false;  // A scheduled pull ends with a warm cluster at the new head.
  CloneChoice clone = CloneChoice::kAuto;
  bool keep_prepared = true;  // Keep warm clusters in HOME/warm for the next starts.
};

}  // namespace rotv::config
