#include "os/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "storage/atomic_file.h"
#include "storage/error.h"

namespace rotv::os {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kFullBytes = 1 << 20;
constexpr int kKept = 3;

void Rotate(const fs::path& path) {
  std::error_code none;
  if (const uintmax_t size = fs::file_size(path, none); none || size < kFullBytes) return;
  auto numbered = [&](int number) {
    return number == 0 ? path : fs::path(fmt::format("{}.{}", path.native(), number));
  };
  for (int number = kKept; number > 0; --number) fs::rename(numbered(number - 1), numbered(number), none);
}

}  // namespace

void WriteToLogFile(const fs::path& path) {
  fs::create_directories(path.parent_path());
  Rotate(path);
  const FileDescriptor file = OpenOrCreateFile(path, O_WRONLY | O_APPEND);
  if (dup2(file.get(), STDOUT_FILENO) < 0 || dup2(file.get(), STDERR_FILENO) < 0) {
    throw Error(ErrorCode::kDisk, fmt::format("{} cannot be written: {}", path.native(), std::strerror(errno)));
  }
}

}  // namespace rotv::os
