// Collects the files of an image in a directory of its own, so that nothing reaches a layer by accident.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "os/temporary_directory.h"

namespace rotv::launch {

struct BuildPlaces {
  std::filesystem::path application;
  std::vector<std::filesystem::path> left_out = {};  // HOME, the config and the .env file, if they are inside.
};

// A temporary directory with the files that the Containerfile needs. The destructor removes it.
class BuildContext {
 public:
  // Copies the application without node_modules, version control, `left_out`, and what its .containerignore (or, if
  // there is none, its .dockerignore) leaves out. Files that usually hold secrets are left out too, and no "!" brings
  // them back: .env* (its examples stay), .envrc, .npmrc, .netrc, .pgpass, rotv.toml, SSH's directory, private keys and
  // key stores. Throws kDisk; kUsage if the application has neither package.json nor backend/package.json.
  explicit BuildContext(const BuildPlaces& places);

  const std::filesystem::path& directory() const { return directory_.path(); }

 private:
  os::TemporaryDirectory directory_;
};

// The "version" in the application's package.json; "0" if there is none.
std::string ApplicationVersion(const std::filesystem::path& application);

}  // namespace rotv::launch
