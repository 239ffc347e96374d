// What an image is built from: a directory of its own, so that nothing reaches a layer that was not meant to.

#pragma once

#include <filesystem>
#include <string>

namespace rotv {

// A temporary directory with what the Containerfile says, gone with the object.
class BuildContext {
 public:
  // Copies the application without node_modules, .git, .env files (their examples stay), and `home`, should it lie in
  // there. Throws kDisk, kUsage if the application has neither package.json nor backend/package.json.
  BuildContext(const std::filesystem::path& application, const std::filesystem::path& home);
  ~BuildContext();
  BuildContext(const BuildContext&) = delete;
  BuildContext& operator=(const BuildContext&) = delete;

  const std::filesystem::path& directory() const { return directory_; }

 private:
  std::filesystem::path directory_;
};

// "version" of the application's package.json; "0" if it says none.
std::string ApplicationVersion(const std::filesystem::path& application);

}  // namespace rotv
