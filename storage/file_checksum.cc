#include "storage/file_checksum.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <new>
#include <vector>

#include "storage/atomic_file.h"
#include "storage/handle.h"

namespace rotv {

struct FileChecksum::State {
  XXH3_state_t* hash = XXH3_createState();
  ~State() { XXH3_freeState(hash); }
};

FileChecksum::FileChecksum() : state_(std::make_unique<State>()) {
  if (state_->hash == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset(state_->hash);
}

FileChecksum::~FileChecksum() = default;

void FileChecksum::Add(std::string_view bytes) { XXH3_64bits_update(state_->hash, bytes.data(), bytes.size()); }

uint64_t FileChecksum::value() const { return XXH3_64bits_digest(state_->hash); }

uint64_t ChecksumOf(const std::filesystem::path& path, const std::function<void()>& look) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) ThrowDiskError("read", path, errno);
  posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  constexpr size_t kBufferBytes = size_t{1} << 20;
  std::vector<char> buffer(kBufferBytes);
  FileChecksum checksum;
  while (true) {
    if (look) look();
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowDiskError("read", path, errno);
    if (got == 0) return checksum.value();
    checksum.Add({buffer.data(), static_cast<size_t>(got)});
  }
}

std::string ChecksumText(uint64_t checksum) { return fmt::format("{:016x}", checksum); }

}  // namespace rotv
