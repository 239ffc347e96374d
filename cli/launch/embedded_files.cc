#include "cli/launch/embedded_files.h"

#include "cli/program/embedded_file.h"
#include "storage/atomic_file.h"

namespace rotv::launch {

void WriteEmbeddedFiles(const std::filesystem::path& directory) {
  using std::filesystem::perms;
  constexpr perms kReadable =
      perms::owner_all | perms::group_read | perms::group_exec | perms::others_read | perms::others_exec;
  for (const program::EmbeddedFile& file : program::ContainerFiles()) {
    std::filesystem::path path = directory / file.path;
    std::filesystem::create_directories(path.parent_path());
    WriteNewFile(path, file.text);
    std::filesystem::permissions(path.parent_path(), kReadable);
    std::filesystem::permissions(path, kReadable);
  }
}

}  // namespace rotv::launch
