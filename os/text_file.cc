#include "os/text_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "storage/error.h"

namespace rotv::os {
namespace {

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

[[noreturn]] void FailToRead(const std::filesystem::path& path, std::string_view why) {
  throw Error(ErrorCode::kUsage, fmt::format("{} cannot be read: {}", path.native(), why),
              "fix the file, or name another one");
}

}  // namespace

std::optional<std::string> ReadTextFile(const std::filesystem::path& path) {
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.descriptor() < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (file.descriptor() < 0) FailToRead(path, std::strerror(errno));
  std::string text;
  char buffer[16 * 1024];
  while (true) {
    ssize_t count = read(file.descriptor(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) FailToRead(path, std::strerror(errno));
    if (count == 0) return text;
    text.append(buffer, static_cast<size_t>(count));
    if (text.size() > kTextFileMaxBytes) FailToRead(path, "it is larger than 1 MiB");
  }
}

}  // namespace rotv::os
