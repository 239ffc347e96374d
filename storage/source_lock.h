// The lock of one source: HOME/sources/NAME/lock, held (flock) by the one process that works on this source. Its text
// names that process.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "storage/error.h"
#include "storage/handle.h"

namespace rotv {

// The name of the lock in a source's directory.
inline constexpr const char* kSourceLockName = "lock";

// The command of a process that gives way (give_way.h) begins with this, so that who finds the lock held tries again
// instead of giving up.
inline constexpr std::string_view kGivingWay = "idle ";

// True if the holder of a lock, as it described itself, gives way.
bool GivesWay(std::string_view holder);

// Thrown if another process holds the lock.
class SourceInUse : public Error {
 public:
  SourceInUse(const std::string& source_name, const std::string& holder);
  // The holder, as it described itself: "rotv-sync pull (process 4711)". It is empty if the holder wrote nothing
  // within two seconds, and may be that of the previous holder.
  const std::string& holder() const { return holder_; }

 private:
  std::string holder_;
};

// Access is what a command needs of a source's directory. kRead also takes one that cannot be written, as on a mount
// for reading only; several processes may read such a one at the same time, and none can write to it.
enum class Access { kWrite, kRead };

// Holds the lock for its lifetime.
class SourceLock {
 public:
  SourceLock() = default;
  // Takes the lock of the source in `directory`. `command` is what SourceInUse of another process says about this one.
  // Waits for a holder that gives way (give_way.h), which ends by this. Throws SourceInUse if another process holds the
  // lock, kDisk if it cannot be taken.
  SourceLock(const std::filesystem::path& directory, const std::string& command, Access access);

  // False if the directory cannot be written; only with Access::kRead.
  bool can_write() const { return can_write_; }

 private:
  void TakeToRead(const std::filesystem::path& directory);

  FileDescriptor file_;
  bool can_write_ = true;
};

}  // namespace rotv
