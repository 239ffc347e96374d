// What an image is built from: a directory of its own, so that nothing reaches a layer that was not meant to.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "os/temporary_directory.h"

namespace rotv::launch {

struct BuildPlaces {
  std::filesystem::path application;
  std::vector<std::filesystem::path> left_out = {};  // HOME, the config, the file of secrets: should they lie in there.
};

// A temporary directory with what the Containerfile says, gone with the object.
class BuildContext {
 public:
  // Copies the application without node_modules, version control, `left_out`, what its .containerignore (where there is
  // none, its .dockerignore) leaves out, and whatever is made to hold secrets, which no "!" brings back: .env* (its
  // examples stay), .envrc, .npmrc, .netrc, .pgpass, rotv.toml, SSH's directory, private keys and key stores.
  // Throws kDisk, kUsage if the application has neither package.json nor backend/package.json.
  explicit BuildContext(const BuildPlaces& places);

  const std::filesystem::path& directory() const { return directory_.path(); }

 private:
  os::TemporaryDirectory directory_;
};

// "version" of the application's package.json; "0" if it says none.
std::string ApplicationVersion(const std::filesystem::path& application);

}  // namespace rotv::launch
