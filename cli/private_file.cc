#include "cli/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/output.h"
#include "storage/error.h"
#include "storage/handle.h"

namespace rotv {

PrivateFile::PrivateFile(const std::filesystem::path& path, std::string_view text) : path_(path) {
  std::filesystem::create_directories(path.parent_path());
  std::filesystem::remove(path);
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) {
    throw Error(ErrorCode::kDisk, fmt::format("{} cannot be written: {}", path.native(), std::strerror(errno)));
  }
  WriteAll(file.get(), text);
}

PrivateFile::~PrivateFile() { unlink(path_.c_str()); }

}  // namespace rotv
