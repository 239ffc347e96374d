// The cluster that initdb makes takes more processor time than all else of a test's first start. So the first test of a
// process keeps it, and later ones find it among their warm clusters, as any start does that is not a home's first.

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
// (BeFirst).
class EmptyCluster {
 public:
  // If no test of this kind has left one, the home's first import keeps one: it has the directory for it.
  static void PlaceIn(const std::filesystem::path& home, const std::string& kind) {
    for (const std::filesystem::path& directory : {home, home / "warm"}) {
      if (!std::filesystem::create_directories(directory)) continue;
      std::filesystem::permissions(directory, std::filesystem::perms::owner_all);  // As a command makes it.
    }
    const auto kept = Kept().find(kind);
    if (kept != Kept().end()) Copy(*kept->second / "cluster", home / "warm/000000000000");
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
  // Makes a warm cluster with a lock and a manifest of its own. False if that cannot be done.
  static bool Copy(const std::filesystem::path& from, const std::filesystem::path& to) {
    namespace fs = std::filesystem;
    std::error_code problem;
    const auto links = fs::copy_options::recursive | fs::copy_options::create_hard_links;
    fs::create_directory(to, from, problem);
    if (!problem) fs::copy(from / "cluster", to / "cluster", links, problem);
    for (const char* file : {"lock", "manifest.json"}) {
      if (!problem) fs::copy_file(from / file, to / file, problem);
    }
    if (!problem) return true;
    fs::remove_all(to, problem);
    return false;
  }

  static std::map<std::string, std::unique_ptr<TempDir>>& Kept() {
    static std::map<std::string, std::unique_ptr<TempDir>> kept;
    return kept;
  }
};

}  // namespace rotv::testing
