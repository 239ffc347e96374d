// A private directory in a place where other users of the machine may write too, such as /dev/shm. They see its name
// once it exists; so the name is unpredictable until then, and a directory found later is used only if it is ours.

#pragma once

#include <filesystem>
#include <optional>

namespace rotv::os {

// Throws kUsage, naming the directory at fault, if anyone but root and this user could replace `place` or what we make
// in it: `place` and all directories above it must belong to root or to us, and be either not writable by others or
// sticky.
void RequireSafePlace(const std::filesystem::path& place);

// PrivateDirectory finds its directory by `record`, a file in a directory that only we can write to.
class PrivateDirectory {
 public:
  explicit PrivateDirectory(std::filesystem::path record) : record_(std::move(record)) {}

  // The directory that was made, if it exists; nullopt if what has its name is not ours or no directory: that is never
  // touched.
  std::optional<std::filesystem::path> Find() const;
  // Creates PLACE/rotv-RANDOM with mode 0700. The name is recorded before the directory exists, so that a killed run
  // leaves no unrecorded one. Throws like RequireSafePlace(), and kDisk.
  std::filesystem::path Make(const std::filesystem::path& place) const;
  // Removes the directory with everything in it, following no link. Throws kDisk if that fails.
  void Remove() const;

 private:
  std::filesystem::path record_;
};

}  // namespace rotv::os
