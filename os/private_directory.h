// A directory of ours in a place where other people of the machine may write too, such as /dev/shm. They see its name
// as soon as it is there; so it is unpredictable before, and what is found later is used only if it is ours.

#pragma once

#include <filesystem>
#include <optional>

namespace rotv::os {

// Throws kUsage, with the directory at fault, if somebody else than root and we could put another directory in the
// place of `place` or of what we make there: it and all above it must belong to root or us, and be closed to the
// writing of others or sticky.
void RequireSafePlace(const std::filesystem::path& place);

// Known by `record`, a file in a directory of ours.
class PrivateDirectory {
 public:
  explicit PrivateDirectory(std::filesystem::path record) : record_(std::move(record)) {}

  // The one that was made, if it is there; nothing for what is not ours, or no directory, which is never touched.
  std::optional<std::filesystem::path> Find() const;
  // Makes PLACE/rotv-RANDOM, open to ourselves alone. It is recorded before it is there, so that no killed run leaves
  // one that nobody knows. Throws as RequireSafePlace(), kDisk.
  std::filesystem::path Make(const std::filesystem::path& place) const;
  // With everything in it, following no link. Throws kDisk if that is not possible.
  void Remove() const;

 private:
  std::filesystem::path record_;
};

}  // namespace rotv::os
