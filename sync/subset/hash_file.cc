#include "sync/subset/hash_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "storage/atomic_file.h"
#include "storage/error.h"
#include "storage/free_space.h"
#include "storage/unnamed_file.h"

namespace rotv::subset {
namespace {

constexpr size_t kHashBytes = sizeof(uint64_t);

// A store that can only be read is no reason to refuse a seed that goes elsewhere.
FileDescriptor OpenFile(const std::filesystem::path& directory, bool* is_on_disk) {
  FileDescriptor file = OpenUnnamedFile(directory);
  *is_on_disk = static_cast<bool>(file);
  if (!file) file = FileDescriptor(memfd_create("subset", MFD_CLOEXEC));
  if (!file) ThrowDiskError("write hashes of keys in", directory, errno);
  return file;
}

}  // namespace

uint64_t HashFile::Append(const std::vector<uint64_t>& hashes) {
  const std::lock_guard lock(mutex_);
  if (!file_) file_ = OpenFile(directory_, &is_on_disk_);
  const size_t bytes = hashes.size() * kHashBytes;
  if (is_on_disk_) RequireFreeSpace(directory_, bytes);
  const char* data = reinterpret_cast<const char*>(hashes.data());
  for (size_t done = 0; done < bytes;) {
    const ssize_t written =
        pwrite(file_.get(), data + done, bytes - done, static_cast<off_t>(size_ * kHashBytes + done));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) ThrowDiskError("write hashes of keys in", directory_, errno);
    done += static_cast<size_t>(written);
  }
  const uint64_t at = size_;
  size_ += hashes.size();
  return at;
}

void HashFile::Read(uint64_t at, size_t count, uint64_t* hashes) const {
  const size_t bytes = count * kHashBytes;
  char* data = reinterpret_cast<char*>(hashes);
  for (size_t done = 0; done < bytes;) {
    const ssize_t got = pread(file_.get(), data + done, bytes - done, static_cast<off_t>(at * kHashBytes + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ThrowDiskError("read hashes of keys in", directory_, errno);
    if (got == 0) throw Error(ErrorCode::kDisk, "hashes of keys that were just written are gone", "check the disk");
    done += static_cast<size_t>(got);
  }
}

}  // namespace rotv::subset
