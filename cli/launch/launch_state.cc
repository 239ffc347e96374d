#include "cli/launch/launch_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/output/json_record.h"
#include "cli/output/output.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

std::filesystem::path StatePath(const std::filesystem::path& place) { return place / "run" / "app.json"; }

}  // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LaunchState, runtime, ready, port, persistent, directory, database,
                                                database_port, database_password, health, source, seed_file, saved,
                                                snapshot, subset, subset_made_by, lsn, kept, data_time_us,
                                                started_time_us)

std::vector<std::filesystem::path> PlacesIn(const std::filesystem::path& home) {
  std::vector<std::filesystem::path> places;
  std::error_code none;
  for (std::filesystem::directory_iterator i(home / "apps", none), end; !none && i != end; i.increment(none)) {
    std::error_code gone;
    if (i->is_directory(gone)) places.push_back(i->path());
  }
  std::sort(places.begin(), places.end());
  places.insert(places.begin(), home);
  return places;
}

std::optional<LaunchState> ReadLaunchState(const std::filesystem::path& place) {
  const std::optional<nlohmann::json> record = output::ReadJsonRecord(StatePath(place));
  if (!record) return std::nullopt;
  try {
    return record->get<LaunchState>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

void WriteLaunchState(const std::filesystem::path& place, const LaunchState& state) {
  std::filesystem::create_directories(StatePath(place).parent_path());
  WriteFileAtomically(StatePath(place), output::JsonText(nlohmann::json(state)));
}

void RemoveLaunchState(const std::filesystem::path& place) { std::filesystem::remove(StatePath(place)); }

std::filesystem::path ContainerVariables(const std::filesystem::path& place) { return place / "run" / "app.env"; }

void RemoveLeftSecrets(const std::filesystem::path& home) noexcept try {
  std::vector<std::filesystem::path> places = PlacesIn(home);
  places.push_back(home / "scratch");
  for (const std::filesystem::path& place : places) {
    if (access(ContainerVariables(place).c_str(), F_OK) != 0) continue;
    FileDescriptor lock(open((place / "run" / "lock").c_str(), O_RDWR | O_CLOEXEC));
    if (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    unlink(ContainerVariables(place).c_str());
  }
} catch (const std::exception&) {
  // The next command tries again.
}

LaunchLock::LaunchLock(const std::filesystem::path& place) {
  std::filesystem::path path = place / "run" / "lock";
  std::filesystem::create_directories(path.parent_path());
  file_ = OpenOrCreateFile(path, O_RDWR);
  if (flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    ssize_t got = pread(file_.get(), holder, sizeof(holder) - 1, 0);
    throw Error(
        ErrorCode::kInUse,
        fmt::format("another rotv is starting or stopping this application (process {})", got > 0 ? holder : "unknown"),
        "wait for it, or stop it; the next start cleans up");
  }
  std::string self = std::to_string(getpid());
  if (ftruncate(file_.get(), 0) != 0 || pwrite(file_.get(), self.data(), self.size(), 0) < 0) {
    throw Error(ErrorCode::kDisk, fmt::format("{} cannot be written: {}", path.native(), std::strerror(errno)));
  }
}

}  // namespace rotv::launch
