#include "cli/launch/embedded_files.h"

#include <fmt/format.h>

#include <fstream>

#include "cli/embedded_file.h"
#include "storage/error.h"

namespace rotv {

void WriteEmbeddedFiles(const std::filesystem::path& directory) {
  using std::filesystem::perms;
  constexpr perms kReadable =
      perms::owner_all | perms::group_read | perms::group_exec | perms::others_read | perms::others_exec;
  for (const EmbeddedFile& file : ContainerFiles()) {
    std::filesystem::path path = directory / file.path;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream stream(path, std::ios::binary | std::ios::trunc);
    stream << file.text;
    stream.close();
    if (!stream) throw Error(ErrorCode::kDisk, fmt::format("cannot write {}", path.native()), "look for free space");
    std::filesystem::permissions(path.parent_path(), kReadable);
    std::filesystem::permissions(path, kReadable);
  }
}

}  // namespace rotv
