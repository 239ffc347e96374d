#include "cli/launch/build_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/launch/embedded_files.h"
#include "cli/launch/ignore_file.h"
#include "cli/output/output.h"
#include "os/text_file.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

constexpr std::array kNotSources = {"node_modules", ".git", ".hg", ".svn"};
constexpr std::array kSecretNames = {".env",
                                     ".envrc",
                                     ".npmrc",
                                     ".yarnrc",
                                     ".netrc",
                                     ".pgpass",
                                     ".pg_service.conf",
                                     "pg_service.conf",
                                     ".my.cnf",
                                     "rotv.toml",
                                     ".git-credentials",
                                     ".ssh",
                                     ".gnupg",
                                     ".aws",
                                     ".kube",

                                     ".rotv"};
constexpr std::array kExamples = {".env.example", ".env.sample", ".env.template", ".env.dist"};
constexpr std::array kKeyStores = {".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk"};

template <typename Names>
bool ContainsPath(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Certificates are public, and may be needed. Private keys are recognised by their PEM header, whatever the file's
// name.
bool HoldsPrivateKey(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text(64 * 1024, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  for (size_t at = text.find("-----BEGIN "); at != std::string::npos; at = text.find("-----BEGIN ", at + 1)) {
    std::string line = text.substr(at, text.find('\n', at) - at);
    if (line.find("PRIVATE KEY") != std::string::npos) return true;
  }
  return false;
}

bool MayBeKey(const fs::path& file) {
  std::string name = file.filename();
  std::string ending = file.extension();
  return name.starts_with("id_") || ending == ".pem" || ending == ".key" || ending.empty();
}

bool IsSecret(const fs::directory_entry& entry) {
  std::string name = entry.path().filename();
  if (ContainsPath(kExamples, name)) return false;
  if (name.starts_with(".env.") || ContainsPath(kSecretNames, name)) return true;
  if (ContainsPath(kKeyStores, entry.path().extension())) return true;
  return MayBeKey(entry.path()) && entry.is_regular_file() && HoldsPrivateKey(entry.path());
}

// Compares the files themselves, so that a file under another name (a link) is found too.
bool IsAny(const fs::path& path, const std::vector<fs::path>& others) {
  return std::any_of(others.begin(), others.end(), [&](const fs::path& other) {
    std::error_code none;
    return fs::equivalent(path, other, none);
  });
}

std::string TextOr(const fs::path& file, const char* otherwise) {
  std::optional<std::string> text = os::ReadTextFile(file);
  return text ? *text : otherwise;
}

class TreeCopy {
 public:
  explicit TreeCopy(const BuildPlaces& places)
      : places_(places), ignored_(TextOr(places.application / ".containerignore", "")) {
    if (!fs::exists(places.application / ".containerignore")) {
      ignored_ = IgnoreFile(TextOr(places.application / ".dockerignore", ""));
    }
  }

  void Run(const fs::path& to) const {
    fs::create_directories(to);
    Copy(places_.application, to, "");
  }

 private:
  void Copy(const fs::path& from, const fs::path& to, const fs::path& relative) const {
    for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
      const fs::path name = entry.path().filename();
      if (ContainsPath(kNotSources, name) || IsSecret(entry) || IsAny(entry.path(), places_.left_out)) continue;
      const bool left_out = ignored_.LeavesOut(relative / name);
      const bool directory = entry.is_directory() && !entry.is_symlink();
      if (left_out && !(directory && ignored_.HasExceptions())) continue;
      if (directory) {
        if (!left_out) fs::create_directories(to / name);
        Copy(entry.path(), to / name, relative / name);
        if (fs::exists(to / name)) fs::permissions(to / name, entry.status().permissions());
      } else {
        fs::create_directories(to);  // The directory may be left out except for this file.
        CopyOne(entry, to / name);
      }
    }
  }

  static void CopyOne(const fs::directory_entry& entry, const fs::path& target) {
    if (entry.is_symlink()) {
      fs::copy_symlink(entry.path(), target);
    } else if (entry.is_regular_file()) {  // Sockets and the like are not sources.
      fs::copy_file(entry.path(), target);
      fs::last_write_time(target, entry.last_write_time());  // A new time would invalidate every cached step.
    }
  }

  const BuildPlaces& places_;
  IgnoreFile ignored_;
};

// Copies only package.json and package-lock.json, so that the installed packages stay cached when other files change.
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
      "run rotv in the application's directory, or name it: directory = \"...\" in [app] of rotv.toml");
}

}  // namespace

BuildContext::BuildContext(const BuildPlaces& places) {
  PackageFile(places.application);
  WriteEmbeddedFiles(directory());
  TreeCopy(places).Run(directory() / "app");
  CopyPackageFiles(places.application, directory() / "packages");
}

std::string ApplicationVersion(const fs::path& application) {
  std::ifstream file(PackageFile(application));
  output::Json package = output::Json::parse(file, nullptr, false);
  if (!package.is_object() || !package.contains("version") || !package["version"].is_string()) return "0";
  return package["version"];
}

}  // namespace rotv::launch
