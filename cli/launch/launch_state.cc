#include "cli/launch/launch_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/output/json_record.h"
#include "cli/output/output.h"
#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::launch {
namespace {

std::filesystem::path StatePath(const std::filesystem::path& home) { return home / "run" / "app.json"; }

}  // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LaunchState, runtime, ready, port, persistent, directory, database,
                                                database_port, database_password, health, source, snapshot, lsn,
                                                data_time_us, started_time_us)

std::optional<LaunchState> ReadLaunchState(const std::filesystem::path& home) {
  const std::optional<nlohmann::json> record = output::ReadJsonRecord(StatePath(home));
  if (!record) return std::nullopt;
  try {
    return record->get<LaunchState>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

void WriteLaunchState(const std::filesystem::path& home, const LaunchState& state) {
  std::filesystem::create_directories(StatePath(home).parent_path());
  WriteFileAtomically(StatePath(home), output::JsonText(nlohmann::json(state)));
}

void RemoveLaunchState(const std::filesystem::path& home) { std::filesystem::remove(StatePath(home)); }

std::filesystem::path ContainerVariables(const std::filesystem::path& home) { return home / "run" / "app.env"; }

void RemoveLeftSecrets(const std::filesystem::path& home) noexcept try {
  for (const std::filesystem::path& place : {home, home / "scratch"}) {
    if (access(ContainerVariables(place).c_str(), F_OK) != 0) continue;
    FileDescriptor lock(open((place / "run" / "lock").c_str(), O_RDWR | O_CLOEXEC));
    if (lock && flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    unlink(ContainerVariables(place).c_str());
  }
} catch (const std::exception&) {
  // The next command tries again.
}

LaunchLock::LaunchLock(const std::filesystem::path& home) {
  std::filesystem::path path = home / "run" / "lock";
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
