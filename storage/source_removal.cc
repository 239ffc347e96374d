#include "storage/source_removal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <string_view>
#include <system_error>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/handle.h"
#include "storage/remote_head_name.h"
#include "storage/source_lock.h"
#include "storage/store_view.h"
#include "storage/workspace.h"

namespace rotv {
namespace {

namespace fs = std::filesystem;

// No source can have this name (IsSourceName()).
constexpr std::string_view kRemovedPrefix = ".removed-";

// True if every store here is one that was never in use, and nothing else is here that a person could want.
bool HoldsNothing(const fs::path& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (name == kSourceLockName || name == "run" || name == kReadersName || name == kRemoteHeadName) continue;
    const bool store = name.starts_with("store-") && entry.is_directory();
    if (!store || !(fs::exists(entry.path() / "unfinished") || fs::is_empty(entry.path()))) return false;
  }
  return true;
}

void RemoveIfEmpty(const fs::path& directory) {
  // Without a lock it was made this moment, or not by us.
  const FileDescriptor lock(open((directory / kSourceLockName).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return;
  if (HoldsNothing(directory) && !HasReaders(directory)) fs::remove_all(directory);
}

}  // namespace

void RemoveStoredSource(const fs::path& home, const std::string& source_name, const std::string& command) {
  const fs::path directory = SourceDirectory(home, source_name);
  if (!IsSourceName(source_name) || !fs::is_directory(directory)) {
    throw Error(ErrorCode::kUsage, fmt::format("nothing is stored of a source {}", source_name),
                "rotv-sync source list names the sources");
  }
  const SourceLock lock(directory, command, Access::kWrite);
  if (HasReaders(directory)) {
    throw Error(ErrorCode::kInUse, fmt::format("source {} is being read by another run", source_name),
                "wait until it has ended, then run the command again");
  }
  const fs::path aside = directory.parent_path() / fmt::format("{}{}-{}", kRemovedPrefix, source_name, getpid());
  std::error_code error;
  fs::rename(directory, aside, error);
  if (error) ThrowDiskError("remove", directory, error.value());
  SyncDirectory(directory.parent_path());
  fs::remove_all(aside, error);
  if (error) ThrowDiskError("remove", aside, error.value());
}

void RemoveEmptySources(const fs::path& home) noexcept {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(home / "sources", error)) {
    try {
      const std::string name = entry.path().filename();
      if (name.starts_with(kRemovedPrefix)) fs::remove_all(entry.path());
      if (IsSourceName(name)) RemoveIfEmpty(entry.path());
    } catch (const std::exception&) {
      continue;
    }
  }
}

}  // namespace rotv
