#include "cli/launch/warm_file.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace rotv::launch {
namespace {

constexpr mode_t kWarmFileMode = 0666;
constexpr mode_t kWarmDirectoryMode = 0777;

}  // namespace

// Modes are set whatever the umask is.
bool MakeWarmDirectory(const std::filesystem::path& path) {
  return mkdir(path.c_str(), kWarmDirectoryMode) == 0 && chmod(path.c_str(), kWarmDirectoryMode) == 0;
}

FileDescriptor MakeWarmFile(const std::filesystem::path& path) {
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kWarmFileMode));
  if (file && fchmod(file.get(), kWarmFileMode) != 0) return {};
  return file;
}

}  // namespace rotv::launch
