#include "cli/launch/build_context.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/launch/embedded_files.h"
#include "cli/output.h"
#include "storage/error.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

bool IsLeftOut(const fs::path& path, const fs::path& home) {
  std::string name = path.filename();
  bool secret = (name == ".env" || name.starts_with(".env.")) && name != ".env.example";
  return secret || name == "node_modules" || name == ".git" || path == home;
}

void CopyTree(const fs::path& from, const fs::path& to, const fs::path& home) {
  fs::create_directories(to);
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    if (IsLeftOut(entry.path(), home)) continue;
    fs::path target = to / entry.path().filename();
    if (entry.is_symlink()) {
      fs::copy_symlink(entry.path(), target);
    } else if (entry.is_directory()) {
      CopyTree(entry.path(), target, home);
      fs::permissions(target, entry.status().permissions());
    } else if (entry.is_regular_file()) {  // Sockets and the like are nobody's source.
      fs::copy_file(entry.path(), target);
      fs::last_write_time(target, entry.last_write_time());  // Else no step would be found in the cache.
    }
  }
}

// package.json and package-lock.json alone, so that a change elsewhere finds the installed packages in the cache.
void CopyPackageFiles(const fs::path& application, const fs::path& to) {
  fs::create_directories(to);
  for (const char* folder : {"", "backend"}) {
    for (const char* name : {"package.json", "package-lock.json"}) {
      fs::path from = application / folder / name;
      if (!fs::is_regular_file(from)) continue;
      fs::path target = to / folder / name;
      fs::create_directories(target.parent_path());
      fs::copy_file(from, target);
      fs::last_write_time(target, fs::last_write_time(from));
    }
  }
}

fs::path PackageFile(const fs::path& application) {
  for (const char* name : {"package.json", "backend/package.json"}) {
    if (fs::exists(application / name)) return application / name;
  }
  throw Error(
      ErrorCode::kUsage,
      fmt::format("there is no application in {}: neither package.json nor backend/package.json", application.native()),
      "call rotv in the application's directory, or name it: directory = \"...\" in [app] of rotv.toml");
}

}  // namespace

BuildContext::BuildContext(const fs::path& application, const fs::path& home) {
  PackageFile(application);
  std::string pattern = fs::temp_directory_path() / "rotv-build-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    throw Error(ErrorCode::kDisk, fmt::format("no directory can be made in {}", fs::temp_directory_path().native()),
                "look for free space there, or set TMPDIR");
  }
  directory_ = pattern;
  try {
    WriteEmbeddedFiles(directory_);
    CopyTree(application, directory_ / "app", home);
    CopyPackageFiles(application, directory_ / "packages");
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
    throw;
  }
}

BuildContext::~BuildContext() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

std::string ApplicationVersion(const fs::path& application) {
  std::ifstream file(PackageFile(application));
  Json package = Json::parse(file, nullptr, false);
  if (!package.is_object() || !package.contains("version") || !package["version"].is_string()) return "0";
  return package["version"];
}

}  // namespace rotv
