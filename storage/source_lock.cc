#include "storage/source_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "storage/atomic_file.h"

namespace rotv {
namespace {

constexpr std::chrono::seconds kHolderTimeout{2};
// A process that gives way has nothing to do but to end. At idle priority on a busy machine that may take a while.
constexpr std::chrono::seconds kGiveWayTimeout{30};
// The name may be that of the holder before, for a moment.
constexpr std::chrono::milliseconds kFormerTimeout{50};
constexpr std::chrono::milliseconds kLook{10};

// A process that has just taken the lock may not have written its name yet; callers decide by that name.
void Lock(const FileDescriptor& file, const std::filesystem::path& path, int how) {
  const auto start = std::chrono::steady_clock::now();
  while (flock(file.get(), how | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) ThrowDiskError("lock", path, errno);
    const std::string holder = ReadFile(path);  // By opening it one that gives way is told again.
    const std::chrono::milliseconds waits = GivesWay(holder) ? kGiveWayTimeout
                                            : holder.empty() ? kHolderTimeout
                                                             : kFormerTimeout;
    if (std::chrono::steady_clock::now() - start >= waits) {
      throw SourceInUse(path.parent_path().filename(), holder);
    }
    std::this_thread::sleep_for(kLook);
  }
}

// False if the file was removed before it was locked.
bool IsNamed(const FileDescriptor& file, const std::filesystem::path& path) {
  struct stat opened {
  }, named{};
  return fstat(file.get(), &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
}

bool CannotBeWritten(const std::filesystem::path& directory) {
  return faccessat(AT_FDCWD, directory.c_str(), W_OK, AT_EACCESS) != 0 && (errno == EROFS || errno == EACCES);
}

}  // namespace

bool GivesWay(std::string_view holder) { return holder.find(" " + std::string(kGivingWay)) != std::string_view::npos; }

SourceInUse::SourceInUse(const std::string& source_name, const std::string& holder)
    : Error(ErrorCode::kInUse,
            fmt::format("source {} is in use by another run{}", source_name, holder.empty() ? "" : ": " + holder),
            "wait until it has ended, then run the command again"),
      holder_(holder) {}

SourceLock::SourceLock(const std::filesystem::path& directory, const std::string& command, Access access) {
  if (access == Access::kRead && CannotBeWritten(directory)) {
    TakeToRead(directory);
    return;
  }
  const std::filesystem::path path = directory / kSourceLockName;
  do {
    mkdir(directory.c_str(), 0700);  // Another process may have removed the source.
    file_ = OpenOrCreateFile(path, O_RDWR);
    Lock(file_, path, LOCK_EX);
  } while (!IsNamed(file_, path));
  const std::string holder = fmt::format("rotv-sync {} (process {})", command, getpid());
  if (ftruncate(file_.get(), 0) != 0 || pwrite(file_.get(), holder.data(), holder.size(), 0) < 0) {
    ThrowDiskError("write", path, errno);
  }
}

// Whoever can write there, through another mount or as another user, holds the lock alone.
void SourceLock::TakeToRead(const std::filesystem::path& directory) {
  can_write_ = false;
  const std::filesystem::path path = directory / kSourceLockName;
  file_ = FileDescriptor(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file_ && errno == ENOENT) return;  // No run has been here, as in a copy.
  if (!file_) ThrowDiskError("open", path, errno);
  Lock(file_, path, LOCK_SH);
}

}  // namespace rotv
