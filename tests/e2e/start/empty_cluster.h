// The cluster that initdb makes takes more processor time than all else of a test's first start. So the first test of a
// process makes it, and later ones find it among their warm clusters, as any start does that is not a home's first.

#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "tests/support/files/temp_dir.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {

// `kind` names starts whose empty clusters are alike. A cluster that does not fit after all is made again by the start.
// The files are hard links: a start only reads them, and a test that writes to one must make it again
// (RemoveEmptyClusters).
class EmptyCluster {
 public:
  // Does nothing if no test of this kind has left one.
  static void PlaceIn(const std::filesystem::path& home, const std::string& kind) {
    const auto kept = Kept().find(kind);
    if (kept == Kept().end()) return;
    const bool is_new = std::filesystem::create_directories(home);
    if (is_new) std::filesystem::permissions(home, std::filesystem::perms::owner_all);  // As a command makes it.
    std::filesystem::create_directory(home / "warm");
    std::filesystem::permissions(home / "warm", std::filesystem::perms::owner_all);
    Copy(*kept->second / "cluster", home / "warm/000000000000");
  }

  // Keeps the one that a test has made, if it is the first of its kind.
  static void TakeFrom(const std::filesystem::path& home, const std::string& kind) {
    if (Kept().count(kind) > 0) return;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(home / "warm", none)) {
      if (!IsEmpty(entry.path())) continue;
      // Beside the homes, since hard links do not lead to another file system.
      auto kept = std::make_unique<TempDir>(TempDirName::kPlain, RotvHome::Parent(DataPlace::kOnTmpfs));
      if (Copy(entry.path(), *kept / "cluster")) Kept()[kind] = std::move(kept);
      return;
    }
  }

  static bool IsEmpty(const std::filesystem::path& cluster) {
    std::ifstream file(cluster / "manifest.json");
    const nlohmann::json manifest = nlohmann::json::parse(file, nullptr, false);
    return manifest.is_object() && manifest.value("kind", "") == "empty";
  }

 private:
  // Makes a warm cluster with a lock and a manifest of its own. False if no hard links can be made.
  static bool Copy(const std::filesystem::path& from, const std::filesystem::path& to) {
    namespace fs = std::filesystem;
    std::error_code problem;
    fs::create_directory(to, from);
    const auto links = fs::copy_options::recursive | fs::copy_options::create_hard_links;
    fs::copy(from / "cluster", to / "cluster", links, problem);
    if (problem) {
      fs::remove_all(to);
      return false;
    }
    for (const char* file : {"lock", "manifest.json"}) fs::copy_file(from / file, to / file);
    return true;
  }

  static std::map<std::string, std::unique_ptr<TempDir>>& Kept() {
    static std::map<std::string, std::unique_ptr<TempDir>> kept;
    return kept;
  }
};

}  // namespace rotv::testing
