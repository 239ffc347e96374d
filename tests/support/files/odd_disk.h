// A disk that fails, for a program under test: the library odd_disk (tests/support/preload) is loaded before the C
// library, and looks at the files below one directory.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/files/subprocess.h"
#include "tests/support/files/temp_dir.h"

namespace rotv::testing {

struct DiskFault {
  long at = 0;        // The number of the call that fails, from 1.
  int error = 0;      // Its errno; 0: it is a write that writes only a half, and does not fail.
  bool full = false;  // From then on all calls fail that need space: the disk is full.
};

class OddDisk {
 public:
  // `library` is ROTV_ODD_DISK. Files below `directory` are looked at.
  OddDisk(const std::filesystem::path& library, const std::filesystem::path& directory);

  // The command, with its calls noted, and one of them failing.
  Command Noting(Command command) const;
  Command Failing(Command command, const DiskFault& fault) const;
  // All calls fail that are like `call`, once there was one like `after` (if that is not empty). Both are patterns of
  // fnmatch(): "fsync*/sources/production".
  Command FailingLike(Command command, const std::string& call, int error, const std::string& after = "") const;
  // The disk says that so many bytes are free of a gigabyte, and fewer with each write.
  Command WithFree(Command command, uint64_t bytes) const;
  // The process is killed before that call, and all that it has done to files is recorded (power_loss.h).
  Command RecordedUntil(Command command, long kill_at) const;

  // The calls of the last such command: "rename /path/of/its/file", the new path.
  std::vector<std::string> Calls() const;
  std::filesystem::path record() const { return own_ / "record"; }

 private:
  Command Prepare(Command command) const;

  TempDir own_;
  std::filesystem::path directory_;
};

}  // namespace rotv::testing
