// A process that holds the lock of a source only while nobody else wants it. Its command begins with kGivingWay
// (source_lock.h).

#pragma once

#include <filesystem>
#include <thread>

#include "storage/handle.h"

namespace rotv {

// While this exists, the process ends at once, with exit code 0 and without a clean-up, when another one opens the lock
// of the source in `directory`; so whatever the process does must be harmless when it is killed. It is made after the
// lock was taken: who opened the lock before finds it held, and opens it again.
class GiveWay {
 public:
  // Throws kDisk if the lock cannot be watched: then the process must not begin what it cannot end at once.
  explicit GiveWay(const std::filesystem::path& directory);
  ~GiveWay();
  GiveWay(const GiveWay&) = delete;
  GiveWay& operator=(const GiveWay&) = delete;

 private:
  FileDescriptor watch_;
  FileDescriptor stop_;
  std::thread thread_;
};

}  // namespace rotv
