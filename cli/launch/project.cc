#include "cli/launch/project.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/launch/launch_state.h"
#include "cli/output/json_record.h"
#include "cli/output/output.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestProjectName = 48;

fs::path RecordOf(const fs::path& place) { return place / "run" / "project.json"; }

bool IsThere(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// A file system's number for a directory, which a new name does not change; the time of its creation tells it from a
// later one with the same number. Empty if the file system does not tell.
std::string IdentityOf(const fs::path& directory) {
  struct statx status {};
  constexpr unsigned kWanted = STATX_INO | STATX_BTIME;
  if (statx(AT_FDCWD, directory.c_str(), 0, kWanted, &status) != 0) return "";
  if ((status.stx_mask & kWanted) != kWanted) return "";
  return fmt::format("{}:{}-{}-{}.{:09}", status.stx_dev_major, status.stx_dev_minor, status.stx_ino,
                     status.stx_btime.tv_sec, status.stx_btime.tv_nsec);
}

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool IsProjectName(const std::string& name) {
  return !name.empty() && name.size() <= kLongestProjectName && std::all_of(name.begin(), name.end(), IsNameByte) &&
         name.find_first_of("._-") != 0;
}

// A container has the name, too, so that it has to fit there.
std::string DefaultName(const fs::path& directory) {
  const std::string file = directory.filename();
  std::string name;
  for (char c : file) {
    if (IsNameByte(c)) {
      name += c;
    } else if (!name.ends_with('-')) {
      name += '-';
    }
  }
  name.erase(0, std::min(name.find_first_not_of("._-"), name.size()));
  name.resize(std::min(name.size(), kLongestProjectName));
  return name.empty() ? "app" : name;
}

std::string NameWithNumber(const std::string& name, const fs::path& directory) {
  const std::string& path = directory.native();
  constexpr size_t kNumberBytes = 9;
  return fmt::format("{}-{:08x}", name.substr(0, kLongestProjectName - kNumberBytes),
                     static_cast<uint32_t>(XXH3_64bits(path.data(), path.size())));
}

struct KnownProject {
  Project project;
  std::string identity;
  bool is_older = false;  // Started by a program without projects, which wrote down the application's directory.
};

// The project whose place this is; nothing if the place is free.
std::optional<KnownProject> OwnerOf(const fs::path& place) {
  if (const std::optional<nlohmann::json> record = output::ReadJsonRecord(RecordOf(place))) {
    try {
      KnownProject known{.project = {.name = record->at("name").get<std::string>(),
                                     .directory = record->at("directory").get<std::string>(),
                                     .place = place,
                                     .is_named = record->at("is_named").get<bool>()},
                         .identity = record->at("identity").get<std::string>()};
      if (IsProjectName(known.project.name)) return known;
    } catch (const nlohmann::json::exception&) {
      // Whoever starts something here next owns it.
    }
  }
  // What a program without projects has started in HOME.
  const std::optional<LaunchState> state = ReadLaunchState(place);
  if (!state || state->directory.empty()) return std::nullopt;
  return KnownProject{.project = {.name = DefaultName(state->directory), .directory = state->directory, .place = place},
                      .identity = "",
                      .is_older = true};
}

bool IsAbandoned(const Project& project) {
  return !IsThere(project.directory) && !IsThere(project.place / "pgdata") && !ReadLaunchState(project.place);
}

std::vector<KnownProject> Owners(const fs::path& home) {
  std::vector<KnownProject> owners;
  for (const fs::path& place : PlacesIn(home)) {
    std::optional<KnownProject> owner = OwnerOf(place);
    if (owner && !IsAbandoned(owner->project)) owners.push_back(*std::move(owner));
  }
  return owners;
}

bool IsOfDirectory(const KnownProject& known, const ProjectRequest& request) {
  if (known.project.is_named) return false;
  return known.project.directory == request.directory ||
         (known.is_older && known.project.directory == request.application);
}

Project NewProject(const std::vector<KnownProject>& owners, const ProjectRequest& request) {
  Project made{.name = DefaultName(request.directory), .directory = request.directory, .place = request.home};
  const auto has_place = [&](const KnownProject& known) { return known.project.place == made.place; };
  const auto has_name = [&](const KnownProject& known) { return known.project.name == made.name; };
  if (std::any_of(owners.begin(), owners.end(), has_name)) made.name = NameWithNumber(made.name, request.directory);
  if (std::any_of(owners.begin(), owners.end(), has_place)) made.place = request.home / "apps" / made.name;
  return made;
}

}  // namespace

std::vector<Project> KnownProjects(const fs::path& home) {
  std::vector<Project> projects;
  for (KnownProject& known : Owners(home)) projects.push_back(std::move(known.project));
  return projects;
}

Project FindProject(const ProjectRequest& request) {
  const std::vector<KnownProject> owners = Owners(request.home);
  if (!request.name.empty()) {
    if (!IsProjectName(request.name)) {
      throw Error(ErrorCode::kUsage, fmt::format("\"{}\" is no name of an application", request.name),
                  "letters, digits, '.', '_' and '-', at most 48, beginning with a letter or digit: rotv --name shop");
    }
    for (const KnownProject& known : owners) {
      if (known.project.name == request.name) return known.project;
    }
    if (request.name != DefaultName(request.directory)) {
      return {.name = request.name,
              .directory = request.directory,
              .place = request.home / "apps" / request.name,
              .is_named = true};
    }
  }
  for (const KnownProject& known : owners) {
    if (IsOfDirectory(known, request)) {
      Project found = known.project;
      found.directory = request.directory;
      if (known.is_older) found.name = DefaultName(request.directory);
      return found;
    }
  }
  const std::string identity = IdentityOf(request.directory);
  for (const KnownProject& known : owners) {
    if (known.project.is_named || identity.empty() || known.identity != identity) continue;
    if (IsThere(known.project.directory)) continue;  // Not renamed: another way to the same directory.
    Project renamed = known.project;
    renamed.directory = request.directory;
    return renamed;
  }
  return NewProject(owners, request);
}

void ClaimPlace(const Project& project) {
  const std::optional<KnownProject> owner = OwnerOf(project.place);
  const bool is_others = owner && !IsAbandoned(owner->project) && owner->project.directory != project.directory &&
                         IsThere(owner->project.directory) && !owner->is_older;
  if (is_others && owner->project.name == project.name) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the name {} is that of {}", project.name, owner->project.directory.native()),
                "give this application another one: rotv --name NAME start");
  }
  if (is_others) {
    throw Error(ErrorCode::kInUse,
                fmt::format("{} has just been started here for the first time, too", owner->project.name),
                "wait, then try again");
  }
  fs::create_directories(RecordOf(project.place).parent_path());
  const nlohmann::json record = {{"name", project.name},
                                 {"directory", project.directory.native()},
                                 {"identity", IdentityOf(project.directory)},
                                 {"is_named", project.is_named}};
  WriteFileAtomically(RecordOf(project.place), output::JsonText(record));
}

}  // namespace rotv::launch
