#include "os/postgres_programs.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <string>

#include "os/run_program.h"

namespace rotv::os {
namespace {

namespace fs = std::filesystem;

// Adds the bin directories of PARENT/PREFIX<version>.
void AddVersions(const fs::path& parent, const std::string& prefix,
                 std::multimap<double, fs::path, std::greater<>>* versions) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename();
    double version = 0;  // 9.6, 15
    if (!name.starts_with(prefix)) continue;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), version);
    if (version > 0) versions->emplace(version, entry.path() / "bin");
  }
}

bool HasInitdb(const fs::path& directory) { return access((directory / "initdb").c_str(), X_OK) == 0; }

}  // namespace

std::vector<fs::path> PackagedPostgresDirectories() {
  std::multimap<double, fs::path, std::greater<>> versions;
  AddVersions("/usr/lib/postgresql", "", &versions);
  AddVersions("/usr", "pgsql-", &versions);
  std::vector<fs::path> directories;
  for (const auto& [version, directory] : versions) directories.push_back(directory);
  return directories;
}

fs::path FindPostgresPrograms(const Environment& environment) {
  for (const fs::path& directory : PathDirectories(environment)) {
    if (HasInitdb(directory))
      return fs::canonical(directory / "initdb").parent_path();  // Resolves a link to initdb alone.
  }
  const std::vector<fs::path> packaged = PackagedPostgresDirectories();
  const auto newest = std::find_if(packaged.begin(), packaged.end(), HasInitdb);
  return newest == packaged.end() ? fs::path() : *newest;
}

}  // namespace rotv::os
